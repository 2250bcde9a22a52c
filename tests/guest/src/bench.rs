//! Compares Lenscap with an always-on `gst-launch`, and with killing one pipeline and starting another.
//!
//! Times in emulation have no absolute meaning; only figures of the same run can be compared.

mod vcam;

use std::{fs, path::PathBuf, process::Stdio, thread, time::Duration};

use anyhow::{Context, Result};

pub use vcam::compare as compare_drivers;

use crate::{
    applet::{Applet, AppletBuilder, ChildGuard},
    client::{Client, ClientOptions, FrameLog},
    proc,
    test_bed::{Group, TestBed},
    tools::GuestTools,
};

/// Timeout for a camera frame in slow emulation.
const WAIT_TIMEOUT: Duration = Duration::from_secs(40);
/// The activation delay for the figures of a delayed start.
const DELAY: Duration = Duration::from_millis(500);

const NV12: &str = "video/x-raw,format=NV12,width=640,height=480,framerate=30/1";
const YUY2: &str = "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1";

pub fn run(tools: &GuestTools, group: &Group, time: Duration, baselines: bool) -> Result<()> {
    let bench = Bench {
        bed: TestBed::set(tools, group)?,
        time,
    };
    println!(
        "{} s each at 640x480@30, driver {}",
        time.as_secs(),
        group.module
    );
    let fakesink = tools.time_to_first_buffer()?;
    println!(
        "icamerasrc ! fakesink, exec to first buffer: {}",
        ms(fakesink)
    );

    let nv12 = bench.always_on(&[NV12])?;
    nv12.print("always on, NV12");
    let yuy2 = bench.always_on(&[NV12, "videoconvert", YUY2])?;
    yuy2.print("always on, YUY2");
    bench.kill_and_start()?.print("kill and start");
    if baselines {
        return Ok(());
    }

    let frame = Duration::from_millis(33);
    let own_nv12 = bench.lenscap("NV12")?;
    own_nv12.print("lenscap, NV12");
    let own_yuy2 = bench.lenscap("YUY2")?;
    own_yuy2.print("lenscap, YUY2");

    ratio(
        "CPU per frame, NV12",
        own_nv12.cpu_per_frame,
        nv12.cpu_per_frame,
        1.3,
    );
    ratio(
        "CPU per frame, YUY2",
        own_yuy2.cpu_per_frame,
        yuy2.cpu_per_frame,
        1.05,
    );
    at_least("frames delivered, NV12", own_nv12.frames, nv12.frames);
    at_least("frames delivered, YUY2", own_yuy2.frames, yuy2.frames);
    at_most(
        "latency p50, NV12",
        own_nv12.latency[0],
        nv12.latency[0] + Duration::from_micros(1500),
    );
    at_most(
        "latency p99, NV12",
        own_nv12.latency[1],
        nv12.latency[1] + Duration::from_millis(4),
    );
    at_most(
        "STREAMON to the first picture",
        own_yuy2.first_picture,
        nv12.first_picture + frame,
    );
    at_most(
        "STREAMON to the camera, no delay",
        bench.time_to_camera(Duration::ZERO)?,
        fakesink + 2 * frame,
    );
    let own_start = Duration::from_millis(300);
    at_most(
        "STREAMON to the camera, 500 ms delay",
        bench.time_to_camera(DELAY)?,
        DELAY + own_start + 2 * frame,
    );
    at_most(
        "longest gap, placeholder to camera and back",
        bench.gap()?,
        Duration::from_millis(100),
    );
    bench.idle()
}

struct Bench<'a> {
    bed: TestBed<'a>,
    time: Duration,
}

/// A client's frames, and the writer's cost.
struct Figures {
    cpu_per_frame: Duration,
    client_per_frame: Duration,
    frames: usize,
    /// Latency from capture to client, p50 and p99.
    latency: [Duration; 2],
    first_picture: Duration,
    first_camera: Duration,
    longest_gap: Duration,
}

impl Figures {
    fn print(&self, name: &str) {
        println!(
            "{name:16} {} CPU a frame, {} frames, latency {} / {}, first picture {}, camera {}, longest gap {}",
            ms(self.cpu_per_frame),
            self.frames,
            ms(self.latency[0]),
            ms(self.latency[1]),
            ms(self.first_picture),
            ms(self.first_camera),
            ms(self.longest_gap)
        );
    }
}

impl Bench<'_> {
    fn always_on(&self, through: &[&str]) -> Result<Figures> {
        let writer = self.pipeline("icamerasrc", through)?;
        self.bed.wait_for_writer()?;
        let cost = Cost::of(writer.0.id())?;
        let client = self.client()?;
        self.measure(client, &cost)
    }

    /// Kills the placeholder's pipeline when a client starts, and starts the camera's.
    fn kill_and_start(&self) -> Result<Figures> {
        let placeholder = self.pipeline("videotestsrc pattern=black is-live=true", &[YUY2])?;
        self.bed.wait_for_writer()?;
        let idle = Cost::of(placeholder.0.id())?;
        thread::sleep(self.time);
        println!(
            "kill and start, idle: {} CPU a second",
            ms(idle.spent()? / u32::try_from(self.time.as_secs())?)
        );
        let client = self.client()?;
        client.wait_for_placeholder(WAIT_TIMEOUT)?;
        drop(placeholder);
        let camera = self.pipeline("icamerasrc", &[NV12, "videoconvert", YUY2])?;
        let cost = Cost::of(camera.0.id())?;
        self.measure(client, &cost)
    }

    fn lenscap(&self, format: &str) -> Result<Figures> {
        let applet = self.applet(format, Duration::ZERO)?;
        let cost = Cost::of(applet.pid())?;
        let client = self.client()?;
        self.measure(client, &cost)
    }

    fn time_to_camera(&self, delay: Duration) -> Result<Duration> {
        let _applet = self.applet("NV12", delay)?;
        let client = self.client()?;
        Ok(client.wait_for_camera(WAIT_TIMEOUT)?.at - client.started)
    }

    fn gap(&self) -> Result<Duration> {
        let applet = self.applet("YUY2", DELAY)?;
        let client = self.client()?;
        client.wait_for_camera_frames(30, WAIT_TIMEOUT)?;
        applet.pause()?;
        client.wait_for_placeholder(WAIT_TIMEOUT)?;
        thread::sleep(Duration::from_secs(1));
        // A pause survives the applet.
        applet.resume()?;
        Ok(client.stop().longest_gap())
    }

    fn idle(&self) -> Result<()> {
        let launch = AppletBuilder::default()
            .option("--width", 1920)
            .option("--height", 1080);
        let applet = self.settled(launch)?;
        let pid = applet.pid();
        let (cpu, switches) = (proc::cpu_time(pid)?, proc::context_switches(pid)?);
        thread::sleep(self.time);
        // A thread of the start-up that ended meanwhile takes its figures with it.
        let (cpu, switches) = (
            proc::cpu_time(pid)?.saturating_sub(cpu),
            proc::context_switches(pid)?.saturating_sub(switches),
        );
        at_most("idle, CPU", cpu, self.time / 1000);
        println!(
            "idle: {switches} context switches, PSS {} kB, {} frames",
            proc::pss(pid)?,
            applet.status()?["stats"]["frames"]
        );
        Ok(())
    }

    fn applet(&self, format: &str, delay: Duration) -> Result<Applet> {
        let launch = AppletBuilder::default().option("--format", format);
        self.settled(launch.option("--activation-delay-ms", delay.as_millis()))
    }

    /// An applet that has finished its start-up work.
    fn settled(&self, launch: AppletBuilder) -> Result<Applet> {
        let applet = launch.start(&self.bed)?;
        applet.wait_until_settled(WAIT_TIMEOUT)?;
        thread::sleep(Duration::from_secs(1));
        Ok(applet)
    }

    fn client(&self) -> Result<Client> {
        Client::with_options(
            &self.bed.device(),
            ClientOptions {
                careful: false,
                ..ClientOptions::default()
            },
        )
    }

    fn pipeline(&self, source: &str, through: &[&str]) -> Result<ChildGuard> {
        let mut command = self.bed.tools.command("gst-launch-1.0");
        command.arg("-q").args(source.split(' '));
        for element in through {
            command.args(["!", element]);
        }
        command.args([
            "!",
            "v4l2sink",
            &format!("device={}", self.bed.device().display()),
        ]);
        Ok(ChildGuard(command.stdout(Stdio::null()).spawn()?))
    }

    /// Measures a steady stream, from a second after its first camera frame.
    fn measure(&self, client: Client, cost: &Cost) -> Result<Figures> {
        let first = client.wait_for_camera(WAIT_TIMEOUT)?;
        thread::sleep(Duration::from_secs(1));
        let (spent, seen) = (cost.spent()?, client.frame_log().frames.len());
        let own = proc::cpu_time(std::process::id())?;
        thread::sleep(self.time);
        let spent = cost.spent()? - spent;
        let own = proc::cpu_time(std::process::id())? - own;
        let started = client.started;
        let all = client.stop();
        let longest_gap = all.longest_gap();
        let first_picture = all.frames[0].at - started;
        let steady = FrameLog {
            frames: all.frames[seen..].to_vec(),
            error: all.error,
            monitor: all.monitor,
        };
        let frames = steady.distinct_camera_frames();
        Ok(Figures {
            cpu_per_frame: spent / u32::try_from(frames.max(1))?,
            client_per_frame: own / u32::try_from(frames.max(1))?,
            frames,
            latency: [percentile(&steady, 50), percentile(&steady, 99)],
            first_picture,
            first_camera: first.at - started,
            longest_gap,
        })
    }
}

fn percentile(frame_log: &FrameLog, percent: usize) -> Duration {
    let mut latencies: Vec<_> = frame_log
        .frames
        .iter()
        .filter_map(|seen| seen.latency)
        .collect();
    latencies.sort_unstable();
    latencies
        .get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// A control group with one program, which also accounts for children that have ended.
struct Cost {
    folder: PathBuf,
}

impl Cost {
    fn of(pid: u32) -> Result<Self> {
        let folder = PathBuf::from(format!("/sys/fs/cgroup/bench-{pid}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("cgroup.procs"), pid.to_string())?;
        Ok(Self { folder })
    }

    /// CPU time since the program joined the group.
    fn spent(&self) -> Result<Duration> {
        let text = fs::read_to_string(self.folder.join("cpu.stat"))?;
        let usage = text
            .lines()
            .find_map(|line| line.strip_prefix("usage_usec "));
        Ok(Duration::from_micros(
            usage.context("no usage in cpu.stat")?.parse()?,
        ))
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn verdict(good: bool) -> &'static str {
    if good { "ok  " } else { "OVER" }
}

fn ratio(what: &str, own: Duration, baseline: Duration, bound: f64) {
    let ratio = own.as_secs_f64() / baseline.as_secs_f64();
    println!(
        "{} {what}: {ratio:.2} x the baseline (bound {bound})",
        verdict(ratio <= bound)
    );
}

fn at_most(what: &str, own: Duration, bound: Duration) {
    println!(
        "{} {what}: {} (bound {})",
        verdict(own <= bound),
        ms(own),
        ms(bound)
    );
}

/// Tolerates one frame at the edges of the measured period.
fn at_least(what: &str, own: usize, baseline: usize) {
    println!(
        "{} {what}: {own} (baseline {baseline})",
        verdict(own + 1 >= baseline)
    );
}
