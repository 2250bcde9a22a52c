//! What `lenscap devices` lists of virtual cameras.

use serde::{Deserialize, Serialize};

use super::backends;
use crate::relay::Fault;
use crate::settings::OutputKind;

/// A virtual camera, and why it can't be used if it can't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundOutput {
    /// The output's kind, as `--output` takes it.
    pub kind: String,
    /// The device node; empty where there is none.
    pub device: String,
    /// The name that applications list.
    pub name: String,
    /// Why it can't be used; `None` if it can.
    pub problem: Option<Fault>,
}

impl FoundOutput {
    /// One without a device or a name of its own.
    pub fn new(kind: OutputKind, problem: Option<Fault>) -> Self {
        Self {
            kind: kind.name().to_owned(),
            device: String::new(),
            name: String::new(),
            problem,
        }
    }
}

/// Every virtual camera there is or could be, without claiming any.
pub fn find_all() -> Vec<FoundOutput> {
    backends()
        .iter()
        .flat_map(|backend| backend.find())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_in_the_order_of_auto() {
        let mut kinds: Vec<_> = find_all().into_iter().map(|found| found.kind).collect();
        kinds.dedup();
        assert_eq!(kinds, ["v4l2loopback", "vcam", "pipewire"]);
    }
}
