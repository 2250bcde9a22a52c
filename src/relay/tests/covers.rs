//! Tables for what covers the camera without the user's asking.

use super::player::{Player, check, check_on};
use super::*;

#[test]
fn the_machine_sleeps_when_the_camera_is_closed_and_a_call_gets_one_attempt_afterwards() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         810 sleep -> paused | cut:1 show:Paused gracefully:1
         900 exits 1 -> paused | allow-sleep
         910 usage 1 -> paused |
         9000 awake -> starting | show:Starting spawn:2 route:2 open:2
         9100 fails 2 NoCamera -> failed | cut:2 show:Failed(NoCamera) gracefully:2
         9110 exits 2 -> failed |
         10099 - -> failed |
         10100 - -> starting | show:Starting find-source
         10110 source ready -> starting | spawn:3 route:3 open:3",
    );
}

#[test]
fn a_machine_without_a_call_sleeps_at_once_and_wakes_to_none() {
    check(
        Watch::UsageEvent,
        "0 sleep -> paused | show:Paused allow-sleep
         1 sleep -> paused |
         2 usage 1 -> paused | sustain:true
         3 usage 0 -> paused |
         500 awake -> idle | sustain:false show:Off
         600 sleep -> paused | show:Paused allow-sleep",
    );
}

#[test]
fn a_worker_that_only_warms_up_or_cools_down_ends_before_sleep_too() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         100 sleep -> paused | show:Paused gracefully:1
         110 exits 1 -> paused | allow-sleep
         120 awake -> arming | show:Starting spawn:2
         500 - -> starting | route:2 open:2
         800 first 2 -> live |
         900 usage 0 -> live |
         1200 - -> cooldown | sustain:false
         1300 sleep -> paused | cut:2 show:Paused gracefully:2
         1310 exits 2 -> paused | allow-sleep
         9000 awake -> idle | show:Off",
    );
}

#[test]
fn a_worker_that_hangs_is_killed_within_the_time_that_sleep_waits() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         1000 sleep -> paused | cut:1 show:Paused gracefully:1
         4000 - -> paused | terminate:1
         5000 - -> paused | kill:1
         5001 exits 1 -> paused | allow-sleep",
    );
}

#[test]
fn a_machine_that_does_not_sleep_after_all_waits_for_the_old_worker() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         1000 sleep -> paused | cut:1 show:Paused gracefully:1
         1100 awake -> starting | show:Starting
         1200 exits 1 -> starting | spawn:2 route:2 open:2",
    );
}

#[test]
fn sleep_forgets_a_backoff_and_keeps_a_pause() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 exits 1 -> failed | show:Failed(Stopped)
         700 sleep -> paused | show:Paused allow-sleep
         710 awake -> starting | show:Starting spawn:2 route:2 open:2
         720 pause -> paused | cut:2 show:Paused gracefully:2
         730 exits 2 -> paused |
         740 sleep -> paused | allow-sleep
         750 awake -> paused |",
    );
}

#[test]
fn a_locked_screen_covers_a_call_until_it_is_unlocked() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 lock -> paused | cut:1 show:Paused gracefully:1
         950 exits 1 -> paused |
         960 sleep -> paused | allow-sleep
         970 awake -> paused |
         980 unlock -> starting | show:Starting spawn:2 route:2 open:2",
    );
}

#[test]
fn a_lock_counts_only_as_the_settings_say_and_as_soon_as_they_do() {
    let mut open = plan();
    open.cover_when_locked = false;
    check_on(
        &[Watch::UsageEvent],
        open,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 lock -> live |
         910 - -> live |",
    );
    let mut open = plan();
    open.cover_when_locked = false;
    let mut state = Player::new(&[Watch::UsageEvent], open.clone()).state;
    let mut told = |event| {
        state.step(event, Time::ZERO);
        (state.state(), state.status().covered_by)
    };
    let change = |plan: &Plan| Event::SettingsChanged {
        plan: plan.clone(),
        output: false,
        source: false,
    };
    let (free, locked) = ((StateName::Idle, None), Some(Cover::Lock));
    assert_eq!(told(Event::Lock), free);
    assert_eq!(told(change(&plan())), (StateName::Paused, locked));
    assert_eq!(told(change(&open)), free);
}

#[test]
fn the_status_tells_what_covers_the_camera_beside_a_pause() {
    let mut state = Player::new(&[Watch::UsageEvent], plan()).state;
    for (event, paused, wanted) in [
        (Event::Pause, true, None),
        (Event::Lock, true, Some(Cover::Lock)),
        (Event::Sleep, true, Some(Cover::Sleep)),
        (Event::Resume, false, Some(Cover::Sleep)),
        (Event::Awake, false, Some(Cover::Lock)),
        (Event::Unlock, false, None),
    ] {
        state.step(event.clone(), Time::ZERO);
        let status = state.status();
        assert_eq!(
            (status.paused, status.covered_by),
            (paused, wanted),
            "{event:?}"
        );
    }
    assert_eq!(state.state(), StateName::Idle);
}
