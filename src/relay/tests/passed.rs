//! Frames that pass without asking: as if each had been asked about.

use proptest::prelude::*;

use super::player::Player;
use super::*;

/// A relay that has just shown a frame, at this time in milliseconds, of its first worker. Nobody has
/// looked since `last_look`; no timer is due before 3490.
fn live(last_look: Option<u64>) -> (State, u64) {
    let mut player = Player::new(&[Watch::UsageEvent], plan());
    player.play(0, false, "usage 1");
    for time in [600, 1500, 2490, 2600] {
        player.play(time, false, "frame 1 1");
    }
    let Some(at) = last_look else {
        return (player.state, 2600);
    };
    player.play(at, false, "usage 0");
    player.play(at + 400, false, "frame 1 1");
    (player.state, at + 400)
}

fn later() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Wake),
        Just(Event::Pause),
        Just(Event::Usage(OutputId(0), 0)),
        Just(Event::Frame(Generation(1), 3)),
        Just(Event::WorkerExited(Generation(1))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever comes after some frames finds the relay as it would be had it decided about each; and
    /// it would have decided the same each time.
    #[test]
    fn what_passes_is_what_would_have_been_decided(
        last_look in prop::option::of(2601..2700u64),
        gaps in prop::collection::vec(1..32u64, 1..12),
        wait in 0..3000u64,
        event in later(),
    ) {
        let ms = Duration::from_millis;
        let (mut asked, start) = live(last_look);
        let mut passed = asked.clone();
        let mut now = start;
        for gap in &gaps {
            now += gap;
            let decision = asked.step(Event::Frame(Generation(1), 2), ms(now));
            let same = matches!(decision[..], [Command::Submit(_, 2, to)] if to.contains(OutputId(0)));
            prop_assert!(same, "{decision:?}");
        }
        let told = passed.step(Event::Passed(Generation(1), gaps.len() as u64), ms(now));
        prop_assert_eq!(told, []);
        now += wait;
        prop_assert_eq!(asked.step(event.clone(), ms(now)), passed.step(event, ms(now)));
        prop_assert_eq!(asked.status(), passed.status());
        prop_assert_eq!(asked.stats(), passed.stats());
    }
}

#[test]
fn an_older_workers_frames_are_not_counted() {
    let (mut state, now) = live(None);
    let now = Duration::from_millis(now);
    let before = state.stats();
    assert_eq!(state.step(Event::Passed(Generation(7), 3), now), []);
    assert_eq!(state.stats(), before);
}
