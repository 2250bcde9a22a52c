//! Tables: what happens, and what the relay does about it, as text.

mod covers;
mod moves;
mod player;
mod several;
mod table;
mod walk;

use super::*;
use crate::settings::Delay;
use std::time::Duration;

/// A plan with round numbers.
fn plan() -> Plan {
    let ms = Duration::from_millis;
    Plan {
        activation: Delay::Fixed(ms(500)),
        debounce: ms(300),
        cooldown: ms(5000),
        poll_interval: ms(50),
        start_timeout: ms(10_000),
        silence: ms(1000),
        cover_when_locked: true,
    }
}

fn holder(pid: u32) -> Holder {
    Holder {
        pid,
        name: format!("app{pid}"),
        ours: pid == 1,
        mapped: false,
    }
}

/// Who looks at a preview.
fn reader(pid: u32) -> Client {
    Client {
        pid,
        name: format!("reader {pid}"),
    }
}
