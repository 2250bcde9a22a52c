//! One table a rule; [`check`] says how a line reads.

use super::player::{Player, check, check_on};
use super::*;

#[test]
fn a_client_gets_the_camera_after_the_delay_and_gives_it_back_after_the_cooldown() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         499 - -> arming |
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 usage 0 -> live |
         1200 - -> cooldown | sustain:false
         6200 - -> idle | cut:1 show:Off gracefully:1
         6300 exits 1 -> idle |",
    );
}

#[test]
fn without_a_delay_the_camera_opens_in_the_same_step() {
    let mut plan = plan();
    plan.activation = Delay::Auto;
    check_on(
        &[Watch::UsageEvent],
        plan,
        "0 usage 1 -> starting | show:Starting sustain:true spawn:1 route:1 open:1",
    );
}

#[test]
fn a_probe_where_the_driver_tells_streams_costs_nothing() {
    check(
        Watch::UsageEvent,
        "0 opens 1 -> idle |
         10 opens -1 -> idle |",
    );
}

#[test]
fn a_short_open_where_only_opens_are_seen_never_opens_the_camera() {
    check(
        Watch::Inotify,
        "0 opens 1 -> idle | sustain:true
         1 holders 1 7 -> arming | show:Starting spawn:1
         51 holders 7 -> arming | check:[7]
         60 holders 1 -> arming |
         359 - -> arming |
         360 - -> idle | show:Off sustain:false gracefully:1
         370 exits 1 -> idle |",
    );
}

#[test]
fn our_own_opens_are_not_clients() {
    check(
        Watch::Inotify,
        "0 opens 1 -> idle | sustain:true
         1 holders 1 -> idle | sustain:false",
    );
}

#[test]
fn the_delay_never_ends_in_a_gap() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         400 usage 0 -> arming |
         600 - -> arming |
         650 usage 1 -> starting | route:1 open:1",
    );
}

#[test]
fn an_unreadable_proc_alone_ends_no_session_and_the_closes_do() {
    check(
        Watch::Inotify,
        "0 opens 1 -> idle | sustain:true
         1 holders 7 -> arming | show:Starting spawn:1
         20 holders ? -> arming |
         501 - -> starting | route:1 open:1
         600 first 1 -> live |
         700 opens -1 -> live |
         1000 - -> cooldown | sustain:false",
    );
}

#[test]
fn a_drifted_count_is_mended_by_proc() {
    check(
        Watch::Inotify,
        "0 opens 2 -> idle | sustain:true
         1 holders 7 -> arming | show:Starting spawn:1
         2 holders -> arming |
         3 holders ? -> arming |
         303 - -> idle | show:Off sustain:false gracefully:1",
    );
}

#[test]
fn a_client_that_is_back_in_time_finds_the_camera_on() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 usage 0 -> live |
         1300 - -> cooldown | sustain:false
         1400 usage 1 -> live | sustain:true
         1500 - -> live |",
    );
}

#[test]
fn a_camera_that_comes_after_its_client_went_cools_down() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 usage 0 -> starting |
         1000 first 1 -> cooldown | sustain:false
         1100 - -> cooldown |",
    );
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 usage 0 -> starting |
         5899 - -> starting | sustain:false
         5900 - -> idle | cut:1 show:Off gracefully:1",
    );
}

#[test]
fn pausing_covers_first_and_stops_at_once() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         810 pause -> paused | cut:1 show:Paused gracefully:1
         900 resume -> starting | show:Starting
         950 exits 1 -> starting | spawn:2 route:2 open:2
         1200 first 2 -> live |",
    );
}

#[test]
fn a_worker_that_does_not_end_is_pressed_and_then_killed() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 pause -> paused | cut:1 show:Paused gracefully:1
         3899 - -> paused |
         3900 - -> paused | terminate:1
         4899 - -> paused |
         4900 - -> paused | kill:1
         9000 - -> paused |",
    );
}

#[test]
fn a_camera_that_dies_is_covered_and_comes_back_after_the_backoff() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 exits 1 -> failed | show:Failed(Stopped)
         1899 - -> failed |
         1900 - -> starting | show:Starting spawn:2 route:2 open:2
         2000 fails 2 Busy -> failed | cut:2 show:Failed(Busy) gracefully:2
         2001 exits 2 -> failed |
         3999 - -> failed |
         4000 - -> starting | show:Starting spawn:3 route:3 open:3
         4300 first 3 -> live |",
    );
}

#[test]
fn silence_counts_as_death() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         2700 silent 1 -> failed | cut:1 show:Failed(Stopped) gracefully:1
         3700 - -> starting | show:Starting
         6700 - -> starting | terminate:1 kill:1
         6710 exits 1 -> starting | spawn:2 route:2 open:2
         6720 silent 1 -> starting |",
    );
}

#[test]
fn a_start_without_a_picture_times_out() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         10499 - -> starting |
         10500 - -> failed | cut:1 show:Failed(NoPicture) gracefully:1",
    );
}

#[test]
fn a_first_frame_that_was_shown_just_before_the_cover_changes_nothing() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 pause -> paused | cut:1 show:Paused gracefully:1
         601 first 1 -> paused |",
    );
}

#[test]
fn frames_are_counted_whatever_the_state() {
    let mut state = Player::new(&[Watch::UsageEvent], plan()).state;
    for (shown, dropped) in [(30, 1), (2, 0)] {
        let count = FrameCount { shown, dropped };
        state.step(Event::Frames(count), Time::ZERO);
    }
    assert_eq!((state.stats().frames, state.stats().dropped), (32, 1));
}

#[test]
fn a_failure_is_forgotten_when_the_client_goes() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 exits 1 -> failed | show:Failed(Stopped)
         700 usage 0 -> failed |
         1000 - -> idle | show:Off sustain:false",
    );
}

#[test]
fn a_missing_source_says_so_and_mends_itself() {
    check(
        Watch::UsageEvent,
        "0 source missing -> failed | show:Failed(NoCamera)
         10 usage 1 -> failed | sustain:true
         600 - -> failed |
         700 source ready -> starting | show:Starting spawn:1 route:1 open:1",
    );
}

#[test]
fn a_camera_that_went_is_looked_for_again() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 fails 1 NoCamera -> failed | cut:1 show:Failed(NoCamera) gracefully:1
         610 exits 1 -> failed |
         1600 - -> starting | show:Starting find-source
         1700 source ready -> starting | spawn:2 route:2 open:2",
    );
}

#[test]
fn a_shorter_cooldown_reaches_the_one_that_runs() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 usage 0 -> live |
         1200 - -> cooldown | sustain:false
         1300 settings cooldown 60000 -> cooldown |
         1400 settings cooldown 100 -> cooldown |
         1499 - -> cooldown |
         1500 - -> idle | cut:1 show:Off gracefully:1",
    );
}

/// A search may take as long as it does: the time to a picture runs when there is a camera.
#[test]
fn a_camera_that_stays_away_is_said_and_looked_for_again() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 fails 1 NoCamera -> failed | cut:1 show:Failed(NoCamera) gracefully:1
         610 exits 1 -> failed |
         1600 - -> starting | show:Starting find-source
         1700 source missing -> failed | show:Failed(NoCamera)
         3600 - -> failed |
         3700 - -> starting | show:Starting find-source
         23700 - -> starting |
         23800 source ready -> starting | spawn:2 route:2 open:2",
    );
}

#[test]
fn a_lost_output_stops_the_camera_and_is_taken_up_again() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 lost -> failed | cut:1 gracefully:1
         990 exits 1 -> failed |
         1000 ready -> idle | show:Off",
    );
}

#[test]
fn a_pause_outlives_a_lost_output() {
    check(
        Watch::UsageEvent,
        "0 pause -> paused | show:Paused
         10 lost -> failed |
         20 ready -> paused | show:Paused",
    );
}

#[test]
fn a_new_shape_waits_until_nobody_looks() {
    check(
        Watch::UsageEvent,
        "0 settings output -> idle | reopen
         10 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> arming |
         510 - -> starting | route:1 open:1
         520 settings output -> starting |
         800 first 1 -> live |
         900 usage 0 -> live |
         1200 - -> cooldown | sustain:false
         2000 silent 1 -> idle | cut:1 show:Off gracefully:1 reopen",
    );
}

#[test]
fn a_pinned_format_is_tried_again_after_a_close() {
    check(
        Watch::UsageEvent,
        "0 settings output -> idle | reopen
         1 ready -> idle | show:Off
         1 pinned -> idle |
         50 opens 1 -> idle |
         60 opens -1 -> idle | reopen",
    );
}

#[test]
fn another_source_is_switched_to_under_a_running_call() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 settings source -> starting | cut:1 show:Starting find-source gracefully:1
         910 source ready -> starting |
         990 exits 1 -> starting | spawn:2 route:2 open:2",
    );
}

#[test]
fn new_settings_end_a_backoff() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 exits 1 -> failed | show:Failed(Stopped)
         700 settings -> starting | show:Starting spawn:2 route:2 open:2",
    );
}

#[test]
fn a_preview_is_a_client() {
    check(
        Watch::UsageEvent,
        "0 previews 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1",
    );
}

#[test]
fn a_previews_reader_is_named_beside_the_others() {
    let mut state = Player::new(&[Watch::UsageEvent], plan()).state;
    let named = |state: &State| {
        let clients = state.status().clients.into_iter();
        clients.map(|client| client.name).collect::<Vec<_>>()
    };
    let mut step = |event| {
        state.step(event, Time::ZERO);
        named(&state)
    };
    assert_eq!(step(Event::Previews(vec![reader(7)])), ["reader 7"]);
    step(Event::Usage(OutputId(0), 1));
    let holders = Event::Holders(OutputId(0), Some(vec![holder(9)]));
    let other = holder(9).name;
    assert_eq!(step(holders), ["reader 7", other.as_str()]);
    assert_eq!(step(Event::Previews(Vec::new())), [other]);
}

/// It ends with the old output, and its reader opens another one on the new.
#[test]
fn a_preview_alone_does_not_keep_new_output_settings_waiting() {
    check(
        Watch::UsageEvent,
        "0 previews 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 first 1 -> live |
         700 settings output -> live |
         999 previews 1 -> live |
         1000 - -> cooldown | sustain:false
         6000 - -> idle | cut:1 show:Off gracefully:1 reopen
         6010 previews 0 -> idle |
         6015 ready -> idle | show:Off
         6020 previews 1 -> arming | show:Starting sustain:true",
    );
}

#[test]
fn a_camera_that_was_well_starts_its_backoff_anew() {
    check(
        Watch::UsageEvent,
        "0 usage 1 -> arming | show:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         600 exits 1 -> failed | show:Failed(Stopped)
         1600 - -> starting | show:Starting spawn:2 route:2 open:2
         2000 first 2 -> live |
         12100 exits 2 -> failed | show:Failed(Stopped)
         13100 - -> starting | show:Starting spawn:3 route:3 open:3",
    );
}

#[test]
fn the_streaming_client_is_told_from_the_one_that_waits() {
    let mut state = Player::new(&[Watch::UsageEvent], plan()).state;
    let mut streaming = holder(9);
    streaming.mapped = true;
    state.step(Event::Usage(OutputId(0), 1), Time::ZERO);
    let holders = vec![holder(1), holder(8), streaming];
    state.step(Event::Holders(OutputId(0), Some(holders)), Time::ZERO);
    let status = state.status();
    let pids = |clients: &[Client]| clients.iter().map(|client| client.pid).collect::<Vec<_>>();
    assert_eq!(pids(&status.clients), [9]);
    assert_eq!(pids(&status.waiting), [8]);
}

#[test]
fn applications_whose_process_nobody_knows_are_told_by_their_names() {
    let mut state = Player::new(&[Watch::Pipewire], plan()).state;
    let [mut camera, mut browser] = [holder(0), holder(0)];
    camera.name = "org.gnome.Snapshot".to_owned();
    browser.name = "org.mozilla.firefox".to_owned();
    state.step(Event::Usage(OutputId(0), 1), Time::ZERO);
    let holders = vec![browser.clone(), camera, browser];
    state.step(Event::Holders(OutputId(0), Some(holders)), Time::ZERO);
    let status = state.status();
    let names: Vec<_> = status.clients.iter().map(|client| &client.name).collect();
    assert_eq!(names, ["org.gnome.Snapshot", "org.mozilla.firefox"]);
}
