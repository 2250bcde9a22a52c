//! Idle costs and leaks.

use std::{thread, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{LATER, LONGEST_GAP, SOON};
use crate::{
    applet::{Applet, AppletBuilder},
    proc,
    test_bed::{TestBed, wait_until},
};

/// Each activation has a new worker.
pub fn activations_leak_nothing(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", 0)
        .option("--cooldown-ms", 0)
        .start(bed)?;
    // The first ones load libraries.
    for _ in 0..2 {
        activate(bed, &applet)?;
    }
    let before = Size::of(&applet)?;
    // A soak test for vcam, too, as a young driver.
    let few = if bed.group.is_vcam() { 50 } else { 4 };
    for _ in 0..bed.length(few, 200) {
        activate(bed, &applet)?;
    }
    let after = Size::of(&applet)?;
    // A thread of GLib's pool may have ended meanwhile.
    ensure!(
        after.descriptors <= before.descriptors && after.threads <= before.threads,
        "grown from {before:?} to {after:?}"
    );
    // Tolerance for the allocator; a leak of one frame per activation would be ten times this.
    ensure!(
        after.pss <= before.pss + 256,
        "grown from {before:?} to {after:?}"
    );
    Ok(())
}

fn activate(bed: &TestBed, applet: &Applet) -> Result<()> {
    let client = bed.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    client.stop().ensure_unbroken(LONGEST_GAP)?;
    applet.wait_for_state("idle", SOON)?;
    bed.camera().wait_until_closed(Duration::from_secs(6))
}

#[derive(Debug)]
struct Size {
    descriptors: usize,
    threads: usize,
    /// Kilobytes.
    pss: u64,
}

impl Size {
    fn of(applet: &Applet) -> Result<Self> {
        // The last worker is reaped shortly after the camera was closed.
        thread::sleep(Duration::from_millis(500));
        let pid = applet.pid();
        Ok(Self {
            descriptors: proc::descriptors(pid)?,
            threads: proc::threads(pid)?,
            pss: proc::pss(pid)?,
        })
    }
}

/// While frames flow, only the thread that shows them wakes up, and each frame is counted.
pub fn frames_bypass_the_main_loop(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--activation-delay-ms", 0)
        .start(bed)?;
    let client = bed.client()?;
    client.wait_for_camera_frames(30, LATER)?;
    let shown = || -> Result<(u64, u64)> {
        let frames = applet.status()?["stats"]["frames"].as_u64();
        let switches = proc::context_switches_of_main(applet.pid())?;
        Ok((frames.context("no frames in the status")?, switches))
    };
    let before = shown()?;
    client.wait_for_camera_frames(150, LATER)?;
    let after = shown()?;
    let (frames, switches) = (after.0 - before.0, after.1 - before.1);
    ensure!(frames >= 100, "{frames} frames counted");
    ensure!(
        switches <= frames / 2,
        "{switches} context switches of the main loop in {frames} frames"
    );
    client.stop().ensure_unbroken(LONGEST_GAP)
}

pub fn idle_costs_nothing(bed: &TestBed) -> Result<()> {
    let applet = AppletBuilder::default()
        .option("--width", 1920)
        .option("--height", 1080)
        .start(bed)?;
    let pid = applet.pid();
    // Probes and cards are children, and the applet reads their results after them.
    wait_until("the start-up is over", LATER, || {
        let before = proc::context_switches_of_main(pid)?;
        thread::sleep(Duration::from_secs(1));
        let is_at_rest = proc::context_switches_of_main(pid)? == before;
        Ok(is_at_rest && proc::tree(pid).len() == 1)
    })?;
    let time = Duration::from_secs(bed.length(6, 60));
    let (cpu, switches) = (proc::cpu_time(pid)?, proc::context_switches(pid)?);
    thread::sleep(time);
    let (cpu, switches) = (
        proc::cpu_time(pid)?.saturating_sub(cpu),
        proc::context_switches(pid)?.saturating_sub(switches),
    );
    ensure!(cpu <= time / 1000, "{cpu:?} of processor time in {time:?}");
    ensure!(
        switches <= time.as_secs(),
        "{switches} context switches in {time:?}"
    );

    let processes = proc::tree(pid);
    ensure!(processes.len() == 1, "processes {processes:?}");
    let pss = proc::pss(pid)?;
    ensure!(pss <= 12 * 1024, "{pss} kB of memory");
    let frames = applet.status()?["stats"]["frames"].as_u64();
    ensure!(frames == Some(0), "frames: {frames:?}");
    Ok(())
}
