//! Tables for outputs that stand together; `@1` marks the second one.

use super::player::{Player, check_on};
use super::*;

const BOTH: [Watch; 2] = [Watch::UsageEvent, Watch::Pipewire];

fn check(script: &str) {
    check_on(&BOTH, plan(), script);
}

#[test]
fn a_client_of_any_output_gets_the_camera_and_the_others_keep_a_placeholder() {
    check(
        "0 usage@1 1 -> arming | show:Starting show@1:Starting sustain@1:true spawn:1
         500 - -> starting | route@1:1 open:1
         800 first 1 -> live |
         900 usage@1 0 -> live |
         1200 - -> cooldown | sustain@1:false
         1300 - -> cooldown |",
    );
}

#[test]
fn a_newcomer_finds_the_camera_on_and_the_one_who_leaves_is_covered() {
    check(
        "0 usage 1 -> arming | show:Starting show@1:Starting sustain:true spawn:1
         500 - -> starting | route:1 open:1
         800 first 1 -> live |
         900 usage@1 1 -> live | route@0+1:1 sustain@1:true
         920 usage 0 -> live |
         1220 - -> live | route@1:1 show:Starting sustain:false
         1230 - -> live |",
    );
}

#[test]
fn both_are_covered_before_anything_else_is_done() {
    check(
        "0 usage 1 -> arming | show:Starting show@1:Starting sustain:true spawn:1
         1 usage@1 1 -> arming | sustain@1:true
         500 - -> starting | route@0+1:1 open:1
         800 first 1 -> live |
         900 pause -> paused | cut:1 show:Paused show@1:Paused gracefully:1",
    );
}

#[test]
fn the_camera_opens_by_the_delay_of_the_client_that_is_surest() {
    let mut plan = plan();
    plan.activation = Delay::Auto;
    check_on(
        &[Watch::Inotify, Watch::Pipewire],
        plan,
        "0 holders 7 -> arming | show:Starting show@1:Starting sustain:true spawn:1
         40 usage@1 1 -> starting | sustain@1:true route@0+1:1 open:1",
    );
}

#[test]
fn the_calls_of_an_output_go_on_when_the_other_is_lost() {
    check(
        "0 usage@1 1 -> arming | show:Starting show@1:Starting sustain@1:true spawn:1
         500 - -> starting | route@1:1 open:1
         800 first 1 -> live |
         900 lost -> live |
         1000 ready -> live | show:Starting
         1010 lost@1 -> cooldown | cut:1
         1020 lost -> failed | gracefully:1",
    );
}

#[test]
fn a_missing_output_is_named_beside_one_that_works() {
    let mut state = Player::new(&BOTH, plan()).state;
    let lose = |state: &mut State, id, text| {
        let fault = Fault::new(FaultKind::NoOutput, text);
        state.step(Event::OutputLost(OutputId(id), fault), Time::ZERO);
        let status = state.status();
        (status.state, status.error.map(|fault| fault.to_string()))
    };
    let one = lose(&mut state, 1, "no PipeWire");
    assert_eq!(one, (StateName::Idle, Some("no PipeWire".to_owned())));
    let both = lose(&mut state, 0, "no device");
    let texts = Some("no device; no PipeWire".to_owned());
    assert_eq!(both, (StateName::Failed, texts));
    state.step(Event::OutputDropped(OutputId(1)), Time::ZERO);
    let status = state.status();
    assert_eq!(status.error.expect("a fault").to_string(), "no device");
}

#[test]
fn new_settings_wait_until_nobody_looks_at_any() {
    check(
        "0 usage@1 1 -> arming | show:Starting show@1:Starting sustain@1:true spawn:1
         10 settings output -> arming |
         20 lost -> arming |
         30 usage@1 0 -> arming |
         330 - -> idle | show@1:Off sustain@1:false gracefully:1 reopen",
    );
}

#[test]
fn a_stand_in_gives_way_when_nobody_looks_at_any() {
    check(
        "0 better -> idle | reopen
         10 usage@1 1 -> arming | show:Starting show@1:Starting sustain@1:true spawn:1
         20 better -> arming |
         30 usage@1 0 -> arming |
         330 - -> idle | show:Off show@1:Off sustain@1:false gracefully:1 reopen",
    );
}

#[test]
fn an_application_that_uses_both_is_one_client() {
    let mut state = Player::new(&BOTH, plan()).state;
    for id in [OutputId(0), OutputId(1)] {
        state.step(Event::Usage(id, 1), Time::ZERO);
        state.step(Event::Holders(id, Some(vec![holder(9)])), Time::ZERO);
    }
    assert_eq!(state.status().clients.len(), 1);
}
