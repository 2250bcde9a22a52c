//! Plays a table: events as text on a fresh relay, and what it does about each.

use super::*;

/// Plays a script on a fresh relay and compares each step's commands and state.
///
/// A line reads `TIME EVENT -> STATE | COMMANDS`. Timers that fall due between two lines fire at
/// their own time, and what they do is part of the next line; before a `!TIME` none fires, as when
/// the main loop is busy. Events and commands belong to the first output, unless `@1` names another.
pub fn check(watch: Watch, script: &str) {
    check_on(&[watch], plan(), script);
}

pub fn check_on(outputs: &[Watch], plan: Plan, script: &str) {
    let mut player = Player::new(outputs, plan);
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (input, expected) = line.split_once("->").expect(line);
        let (time, event) = input.trim().split_once(' ').expect(line);
        let (late, time) = match time.strip_prefix('!') {
            Some(time) => (true, time),
            None => (false, time),
        };
        let seen = player.play(time.parse().expect(line), late, event.trim());
        assert_eq!(seen, expected.trim(), "at: {line}");
    }
}

pub struct Player {
    pub state: State,
    plan: Plan,
    outputs: Vec<Watch>,
    wake_at: Option<Time>,
}

impl Player {
    /// A relay whose outputs and source are there.
    pub fn new(outputs: &[Watch], plan: Plan) -> Self {
        let mut player = Self {
            state: State::new(plan.clone(), false),
            plan,
            outputs: outputs.to_vec(),
            wake_at: None,
        };
        for id in 0..outputs.len() {
            let ready = player.parse(&format!("ready@{id}"));
            player.step(ready, Time::ZERO);
        }
        player.step(Event::SourceReady, Time::ZERO);
        player
    }

    pub fn play(&mut self, ms: u64, late: bool, event: &str) -> String {
        let now = Time::from_millis(ms);
        let mut commands = Vec::new();
        while let Some(at) = self.wake_at.take_if(|at| *at <= now && !late) {
            commands.extend(self.step(Event::Wake, at));
        }
        if event != "-" {
            let event = self.parse(event);
            commands.extend(self.step(event, now));
        }
        let state = self.state.status().state.as_str();
        format!("{state} | {}", commands.join(" "))
            .trim()
            .to_owned()
    }

    fn step(&mut self, event: Event, now: Time) -> Vec<String> {
        let commands = self.state.step(event, now);
        commands
            .iter()
            .filter_map(|command| {
                if let Command::WakeAt(at) = command {
                    self.wake_at = *at;
                }
                print(command)
            })
            .collect()
    }

    fn parse(&self, text: &str) -> Event {
        let words: Vec<_> = text.split(' ').collect();
        let number = |i: usize| words[i].parse::<u32>().expect(text);
        let worker = |i: usize| Generation(number(i).into());
        let (name, id) = words[0].split_once('@').unwrap_or((words[0], "0"));
        let id = OutputId(id.parse().expect(text));
        match name {
            "usage" => Event::Usage(id, number(1)),
            "opens" => Event::Opens(id, words[1].parse().expect(text)),
            "holders" if words.get(1) == Some(&"?") => Event::Holders(id, None),
            "holders" => {
                let holders = (1..words.len()).map(|i| holder(number(i)));
                Event::Holders(id, Some(holders.collect()))
            }
            "previews" => Event::Previews((0..number(1)).map(reader).collect()),
            "first" => Event::FirstFrame(worker(1)),
            "frames" => Event::Frames(FrameCount {
                shown: number(1).into(),
                dropped: number(2).into(),
            }),
            "silent" => Event::Silent(worker(1)),
            "fails" => Event::WorkerFailed(worker(1), fault(words[2])),
            "exits" => Event::WorkerExited(worker(1)),
            "pause" => Event::Pause,
            "resume" => Event::Resume,
            "lock" => Event::Lock,
            "unlock" => Event::Unlock,
            "sleep" => Event::Sleep,
            "awake" => Event::Awake,
            "lost" => Event::OutputLost(id, Fault::new(FaultKind::NoOutput, "gone")),
            "ready" => Event::OutputReady(id, self.outputs[usize::from(id.0)]),
            "dropped" => Event::OutputDropped(id),
            "pinned" => Event::OutputPinned,
            "better" => Event::BetterOutput,
            "source" if words[1] == "ready" => Event::SourceReady,
            "source" => Event::SourceMissing(fault("NoCamera")),
            "settings" => Event::SettingsChanged {
                plan: match words.get(1) {
                    Some(&"cooldown") => Plan {
                        cooldown: Duration::from_millis(number(2).into()),
                        ..self.plan.clone()
                    },
                    _ => self.plan.clone(),
                },
                output: words.contains(&"output"),
                source: words.contains(&"source"),
            },
            _ => panic!("no such event: {text}"),
        }
    }
}

fn fault(kind: &str) -> Fault {
    let kind = FaultKind::ALL
        .into_iter()
        .find(|known| format!("{known:?}") == kind)
        .expect(kind);
    Fault::new(kind, "why")
}

/// A command as the tables write it; timers and look-ups that every event brings are left out.
fn print(command: &Command) -> Option<String> {
    Some(match command {
        Command::WakeAt(_) | Command::FindHolders(_) => return None,
        Command::Spawn(worker) => format!("spawn:{}", worker.0),
        Command::OpenCamera(worker) => format!("open:{}", worker.0),
        Command::Stop(worker, how) => format!("{how:?}:{}", worker.0).to_lowercase(),
        Command::Route(worker, to) if to.is_empty() => format!("cut:{}", worker.0),
        Command::Route(worker, to) => {
            let ids = (0..8).map(OutputId).filter(|id| to.contains(*id));
            format!("route{}:{}", at(ids), worker.0)
        }
        Command::Show(id, card) => format!("show{}:{card:?}", at([*id])),
        Command::Sustain(id, on) => format!("sustain{}:{on}", at([*id])),
        Command::CheckHolders(id, pids) => format!("check{}:{pids:?}", at([*id])),
        Command::ReopenOutputs => "reopen".to_owned(),
        Command::FindSource => "find-source".to_owned(),
        Command::AllowSleep => "allow-sleep".to_owned(),
    })
}

/// Which outputs are meant; nothing for the first alone.
fn at(ids: impl IntoIterator<Item = OutputId>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.0.to_string()).collect();
    match ids.join("+").as_str() {
        "0" => String::new(),
        ids => format!("@{ids}"),
    }
}
