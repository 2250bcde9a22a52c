//! Denies system calls, with seccomp.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;

use libc::{
    AF_UNIX, SYS_connect, SYS_io_uring_setup, SYS_setpgid, SYS_setsid, SYS_socket, SYS_socketpair,
    c_int, c_long,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::Reach;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// x86-64 has every call a second time, for programs with 32-bit pointers.
const X32: Option<c_long> = if cfg!(target_arch = "x86_64") {
    Some(0x4000_0000)
} else {
    None
};

/// Makes calls beyond `reach` fail with `EACCES`.
///
/// Kills processes of another architecture, such as 32-bit ones: their calls have other numbers, and
/// no camera stack is known to have any.
pub fn deny(reach: Reach) -> Result<()> {
    let mut denied = vec![
        (SYS_socket, vec![other_families(reach.families())?]),
        (SYS_socketpair, vec![other_families(&[AF_UNIX])?]),
        // It could open sockets without a system call to filter.
        (SYS_io_uring_setup, Vec::new()),
        // What the camera's software starts ends with its process group, so it must not leave that.
        (SYS_setsid, Vec::new()),
        (SYS_setpgid, Vec::new()),
    ];
    if !reach.may_connect() {
        // One of a pair of datagram sockets can be connected elsewhere.
        denied.push((SYS_connect, Vec::new()));
    }
    let rules: BTreeMap<_, _> = denied
        .iter()
        .flat_map(|(call, rules)| {
            let numbers = [Some(*call), X32.map(|bit| bit | call)];
            let numbers = numbers.into_iter().flatten();
            numbers.map(|number| (number, rules.clone()))
        })
        .collect();
    let denied = SeccompAction::Errno(u32::try_from(libc::EACCES)?);
    let arch = env::consts::ARCH.try_into()?;
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, denied, arch)?.try_into()?;
    seccompiler::apply_filter(&filter)?;
    Ok(())
}

/// Matches a first argument that is none of these socket families.
fn other_families(allowed: &[c_int]) -> Result<SeccompRule> {
    let differs = |family: &c_int| {
        let family = u64::try_from(*family)?;
        let (length, operator) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Ne);
        Ok(SeccompCondition::new(0, length, operator, family)?)
    };
    let conditions = allowed.iter().map(differs).collect::<Result<Vec<_>>>()?;
    Ok(SeccompRule::new(conditions)?)
}
