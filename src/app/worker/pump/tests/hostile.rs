//! Workers that send anything in any order.

use proptest::prelude::*;

use super::*;
use crate::capture::protocol::MESSAGE_LEN;

/// What a worker may do.
#[derive(Clone, Debug)]
enum Step {
    Fill(u32),
    Send(Vec<u8>),
    /// Releases the slots that the output keeps.
    Release,
    /// The main loop sets the same route anew.
    Route,
}

fn step() -> impl Strategy<Value = Step> {
    let text = r#"(\{"kind":"(busy|other|x)","text":".{0,40}"\}|.{0,40})"#;
    let packet = (prop::array::uniform16(any::<u8>()), text, 0u8..4);
    let packet = packet.prop_map(|(mut head, text, kind)| {
        head[..4].copy_from_slice(&u32::from(kind).to_ne_bytes());
        assert_eq!(head.len(), MESSAGE_LEN);
        [&head[..], text.as_bytes()].concat()
    });
    prop_oneof![
        8 => (0u32..4).prop_map(Step::Fill),
        1 => any::<u32>().prop_map(Step::Fill),
        1 => packet.prop_map(Step::Send),
        1 => prop::collection::vec(any::<u8>(), 1..64).prop_map(Step::Send),
        2 => Just(Step::Release),
        1 => Just(Step::Route),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// It fails once at most, its end is always seen, and no slot is lost or leased twice.
    #[test]
    fn no_sequence_of_messages_harms_the_applet(steps in prop::collection::vec(step(), 0..40)) {
        let bench = Bench::new(LONG);
        let sink = Arc::new(Recorder { keeps: true, ..Recorder::default() });
        bench.route(&sink);
        for step in steps {
            match step {
                // Refused once the pump has ended.
                Step::Fill(slot) => drop(send_filled(&bench.worker, slot, 0)),
                Step::Send(packet) => drop(rustix::io::write(&bench.worker, &packet)),
                Step::Release => sink.kept.lock().unwrap().clear(),
                Step::Route => bench.route(&sink),
            }
        }
        bench.pump.end();
        let mut reports: Vec<_> = std::iter::from_fn(|| bench.reports.recv_blocking().ok())
            .take_while(|report| !matches!(report, Report::Ended))
            .map(|report| format!("{report:?}"))
            .collect();
        reports.retain(|report| report != "FirstFrame");
        prop_assert!(reports.len() <= 1, "{:?}", reports);
        prop_assert!(reports.iter().all(|report| report.starts_with("Failed")), "{:?}", reports);
        let kept = sink.kept.lock().unwrap().keys().fold(0, |bits, slot| bits | 1u64 << slot);
        prop_assert_eq!(bench.channel.leased(), kept);
    }
}
