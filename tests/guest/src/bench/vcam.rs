//! vcam beside v4l2loopback, in the same run.
//!
//! Both cost one copy a frame. With v4l2loopback the applet copies the slot into the driver's buffer, which the client has
//! mapped. With vcam the applet copies nothing: the driver reads the slot where it lies and copies it into the client's
//! buffer, within the applet's call if the client waits already, within the client's if not. So the client's time is looked
//! at, too. And with v4l2loopback frames go past the applet's main loop; with vcam they don't, since each slot that it kept
//! has to be taken back there. (A client that imported the driver's DMA-BUFs would save that copy; the first revision gives
//! it no way to get at them.)

use std::time::Duration;

use anyhow::Result;

use super::{Bench, Figures, at_most, ms};
use crate::{
    kit::Kit,
    stage::{Group, Stage},
};

pub fn compare(kit: &Kit, loopback: &Group, time: Duration) -> Result<()> {
    if kit.vcam().is_none() {
        println!("vcam left out: VCAM_PATCH names no file with the driver's patch");
        return Ok(());
    }
    let vcam = Group {
        module: "vcam".to_owned(),
        ..loopback.clone()
    };
    for format in ["NV12", "YUY2"] {
        let of = |group| {
            Bench {
                stage: Stage::set(kit, group)?,
                time,
            }
            .lenscap(format)
        };
        let (theirs, own): (Figures, Figures) = (of(loopback)?, of(&vcam)?);
        theirs.print(&format!("v4l2loopback, {format}"));
        own.print(&format!("vcam, {format}"));
        println!(
            "copies a frame, {format}: v4l2loopback 1 (applet), vcam 1 (driver); client's CPU a frame {} and {}",
            ms(theirs.client_per_frame),
            ms(own.client_per_frame)
        );
        let cost =
            |figures: &Figures| (figures.cpu_per_frame + figures.client_per_frame).as_secs_f64();
        println!(
            "CPU per frame with the client's, {format}: {:.2} x v4l2loopback's",
            cost(&own) / cost(&theirs)
        );
        at_most(
            "STREAMON to the first picture",
            own.first_picture,
            theirs.first_picture + Duration::from_millis(33),
        );
        at_most("longest gap", own.longest_gap, Duration::from_millis(100));
    }
    Ok(())
}
