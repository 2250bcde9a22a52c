//! vcam beside v4l2loopback, in the same run.
//!
//! Both cost one copy per frame. With v4l2loopback, the applet copies the slot to the driver's buffer, which the client has
//! mapped. With vcam, the driver copies the slot to the client's buffer, within the applet's call if the client waits
//! already, else within the client's, so the client's time is measured, too. With v4l2loopback, frames bypass the applet's
//! main loop; with vcam they don't, because the main loop reclaims each slot. (A client that imported the driver's DMA-BUFs
//! would save that copy, but the first revision doesn't export them.)

use std::time::Duration;

use anyhow::Result;

use super::{Bench, Figures, at_most, ms};
use crate::{
    test_bed::{Group, TestBed},
    tools::GuestTools,
};

pub fn compare(tools: &GuestTools, loopback: &Group, time: Duration) -> Result<()> {
    if tools.vcam().is_none() {
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
                bed: TestBed::set(tools, group)?,
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
