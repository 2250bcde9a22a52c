//! Faults of the real camera.

use super::healthy::{camera, healthy, ipu};
use super::{check, is_skipped, remedy};
use crate::doctor::facts::{Distro, Facts};
use crate::doctor::{Check, RootAction};
use crate::relay::FaultKind;

#[test]
fn the_plugin_is_missing_stale_or_broken() {
    let lost = |facts: &mut Facts| {
        ipu(facts);
        facts.camera.raw_nodes = 0;
        facts.camera.element = Some(false);
        facts.camera.found = Some(vec![camera("icamerasrc", Some(FaultKind::NoCamera))]);
    };
    let there = |facts: &mut Facts, loads_uncached| {
        lost(facts);
        facts.camera.plugin = Some("/usr/lib/gstreamer-1.0/libgsticamerasrc.so".into());
        facts.camera.loads_uncached = loads_uncached;
        facts.camera.registry = Some("/home/me/my cache/gstreamer-1.0".into());
    };
    check(lost, &["!camera_plugin plugin_missing"]);
    check(
        |facts| there(facts, Some(true)),
        &["!camera_plugin stale_registry"],
    );
    check(
        |facts| there(facts, Some(false)),
        &["!camera_plugin plugin_broken"],
    );
    check(
        |facts| there(facts, None),
        &["!camera_plugin plugin_broken"],
    );
    let (fix, action) = remedy(|facts| there(facts, Some(true)));
    assert_eq!(fix, "rm -r '/home/me/my cache/gstreamer-1.0'");
    assert_eq!(action, None);
    let ubuntu = |facts: &mut Facts| {
        lost(facts);
        facts.system.distro = Distro::Ubuntu;
    };
    assert_eq!(remedy(ubuntu).0, "sudo apt install gstreamer1.0-icamera");
    // Another camera works: just a note.
    let with_webcam = |facts: &mut Facts| {
        lost(facts);
        facts.camera.found = Some(vec![camera("v4l2", None)]);
    };
    check(with_webcam, &["camera_plugin plugin_missing"]);
    // libcamera can open the built-in camera, too.
    let with_libcamera = |facts: &mut Facts| {
        lost(facts);
        facts.camera.found = Some(vec![camera("libcamera", None)]);
    };
    check(with_libcamera, &[]);
    // Without such a camera, no plugin is needed.
    let without = |facts: &mut Facts| facts.camera.element = Some(false);
    check(without, &[]);
}

#[test]
fn a_closed_node_has_a_fix_for_its_reason() {
    let closed = |facts: &mut Facts, group: &str, group_may, in_account| {
        ipu(facts);
        facts.camera.raw_nodes = 0;
        facts.camera.found = Some(vec![camera("icamerasrc", Some(FaultKind::NoPermission))]);
        let node = &mut facts.camera.nodes[0];
        node.open = false;
        node.group = group.to_owned();
        (node.group_may, node.in_account) = (group_may, in_account);
    };
    let rules = Some(RootAction::WriteUdevRules.into());
    for (group, may, member, code, command) in [
        (
            "root",
            true,
            false,
            "no_rule",
            "/etc/udev/rules.d/72-lenscap.rules",
        ),
        (
            "video",
            false,
            false,
            "no_rule",
            "/etc/udev/rules.d/72-lenscap.rules",
        ),
        (
            "video",
            true,
            false,
            "not_in_group",
            "sudo usermod -aG video me",
        ),
        (
            "video",
            true,
            true,
            "group_pending",
            "sudo setfacl --modify u:me:rw /dev/ipu-psys0",
        ),
    ] {
        let expected = format!("!camera_access {code}");
        check(|facts| closed(facts, group, may, member), &[&expected]);
        let (fix, action) = remedy(|facts| closed(facts, group, may, member));
        assert!(fix.contains(command), "{fix}");
        assert_eq!(action, rules, "{code}");
    }
    // systemd's rules cover a webcam's node, ours don't.
    let webcam = |facts: &mut Facts| {
        closed(facts, "video", true, false);
        facts.camera.ipu = false;
        facts.camera.nodes[0].psys = false;
        facts.camera.nodes[0].path = "/dev/video0".into();
        facts.camera.found = Some(vec![camera("v4l2", Some(FaultKind::NoPermission))]);
    };
    check(webcam, &["!camera_access not_in_group"]);
    assert_eq!(remedy(webcam).1, None);
}

#[test]
fn each_reason_for_no_camera_is_found() {
    let found = |facts: &mut Facts, kind, fault| {
        ipu(facts);
        facts.camera.raw_nodes = 0;
        facts.camera.found = Some(vec![camera(kind, Some(fault))]);
    };
    let (stopped, none) = (FaultKind::Stopped, FaultKind::NoCamera);
    check(
        |facts| found(facts, "icamerasrc", stopped),
        &["!camera hal_crashed"],
    );
    check(
        |facts| found(facts, "icamerasrc", none),
        &["!camera hal_empty"],
    );
    let no_psys = |facts: &mut Facts| {
        found(facts, "icamerasrc", none);
        facts.camera.nodes.clear();
    };
    check(no_psys, &["!camera no_psys"]);
    assert_eq!(remedy(no_psys).0, "sudo apt install gstreamer1.0-libcamera");
    let loadable = |facts: &mut Facts| {
        no_psys(facts);
        facts.camera.psys_module = Some("intel-ipu6-psys".to_owned());
    };
    assert_eq!(remedy(loadable).0, "sudo modprobe intel-ipu6-psys");
    let plain = |facts: &mut Facts, found| facts.camera.found = found;
    let busy = || Some(vec![camera("v4l2", Some(FaultKind::Busy))]);
    check(|facts| plain(facts, busy()), &["!camera camera_busy"]);
    check(
        |facts| plain(facts, Some(Vec::new())),
        &["!camera no_camera"],
    );
    check(|facts| plain(facts, None), &["!camera probe_failed"]);
}

#[test]
fn only_cameras_that_the_settings_allow_count() {
    let wants = |facts: &mut Facts, source: &str, found| {
        facts.wanted.source = source.to_owned();
        facts.camera.found = Some(found);
    };
    let webcam = || vec![camera("v4l2", None)];
    check(|facts| wants(facts, "v4l2", webcam()), &[]);
    let expected = ["!camera_plugin plugin_missing"];
    let built_in = |facts: &mut Facts| {
        wants(facts, "icamerasrc", webcam());
        facts.camera.element = Some(false);
    };
    check(built_in, &expected);
    for source in ["test", "pipeline", "rtsp"] {
        let mut facts = healthy();
        wants(&mut facts, source, Vec::new());
        assert!(is_skipped(&facts, Check::Camera), "{source}");
    }
}
