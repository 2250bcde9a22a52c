//! Camera software that has turned against the user: preloaded, it runs as `GStreamer` starts, and
//! tries each way out of the sandbox.
//!
//! It writes a line for each attempt that succeeds, then `done` with the number of attempts, to the file
//! that `HOSTILE_REPORT` names. With `HOSTILE_STAY`, it leaves a process behind, whose number it writes.

use std::ffi::{c_char, c_int, c_void};
use std::io::Write;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::{env, fs, io, mem, process};

use rustix::process::{Pid, Signal, kill_process, setpgid, setsid};

type Init = extern "C" fn(*mut c_int, *mut *mut *mut c_char, *mut *mut c_void) -> c_int;

/// Replaces GStreamer's own.
#[unsafe(no_mangle)]
pub extern "C" fn gst_init_check(
    count: *mut c_int,
    arguments: *mut *mut *mut c_char,
    error: *mut *mut c_void,
) -> c_int {
    if let Ok(report) = env::var("HOSTILE_REPORT") {
        // SAFETY: GStreamer has no threads yet. Its plugin scanner is not to try all this again.
        unsafe {
            env::remove_var("HOSTILE_REPORT");
            env::remove_var("LD_PRELOAD");
        }
        attack(&report).unwrap();
    }
    // SAFETY: the function that this one replaces has the same type.
    let real: Init =
        unsafe { mem::transmute(libc::dlsym(libc::RTLD_NEXT, c"gst_init_check".as_ptr())) };
    real(count, arguments, error)
}

fn attack(report: &str) -> io::Result<()> {
    let mut report = fs::File::options().append(true).create(true).open(report)?;
    if env::var_os("HOSTILE_STAY").is_some() {
        return writeln!(report, "stays {}", stay()?);
    }
    let attempts = attempts();
    for (what, result) in &attempts {
        match result {
            Ok(()) => writeln!(report, "{what}")?,
            Err(error) => eprintln!("{what}: {error}"),
        }
    }
    writeln!(report, "done {}", attempts.len())
}

fn attempts() -> Vec<(&'static str, io::Result<()>)> {
    let home = env::var("HOME").unwrap_or_default();
    let var = |name: &str| env::var(name).unwrap_or_default();
    let victim: c_int = var("HOSTILE_VICTIM").parse().unwrap_or(-1);
    let proc = format!("/proc/{victim}");
    vec![
        ("internet", socket(libc::AF_INET, libc::SOCK_STREAM)),
        ("internet 6", socket(libc::AF_INET6, libc::SOCK_DGRAM)),
        ("netlink", socket(libc::AF_NETLINK, libc::SOCK_RAW)),
        ("local socket", socket(libc::AF_UNIX, libc::SOCK_STREAM)),
        ("vsock", socket(libc::AF_VSOCK, libc::SOCK_STREAM)),
        ("bluetooth", socket(libc::AF_BLUETOOTH, libc::SOCK_RAW)),
        ("other socket", other_socket()),
        ("socket by x32", x32_socket()),
        (
            "session bus",
            UnixStream::connect(var("HOSTILE_BUS")).map(drop),
        ),
        ("datagram", datagram(&var("HOSTILE_DATAGRAM"))),
        (
            "abstract socket",
            connect_abstract(&var("HOSTILE_ABSTRACT")),
        ),
        ("bus address", variable("DBUS_SESSION_BUS_ADDRESS")),
        ("display", variable("DISPLAY")),
        ("key agent", variable("SSH_AUTH_SOCK")),
        ("home", read(&format!("{home}/secret"))),
        (
            "home by a mount",
            read(&format!("{}/secret", var("HOSTILE_MOUNT"))),
        ),
        (
            "home by a process",
            read(&format!("{proc}/root{home}/secret")),
        ),
        ("list of home", fs::read_dir(&home).map(drop)),
        (
            "registry",
            fs::write(var("GST_REGISTRY_1_0") + ".new", "load me"),
        ),
        (
            "service of the session",
            fs::write(
                var("XDG_RUNTIME_DIR") + "/dbus-1/services/x.service",
                "run me",
            ),
        ),
        (
            "list of the runtime directory",
            fs::read_dir(var("XDG_RUNTIME_DIR")).map(drop),
        ),
        ("call of 32 bits", call_of_32_bits()),
        (
            "file in home",
            fs::write(format!("{home}/.profile"), "run me"),
        ),
        ("environment of a process", read(&format!("{proc}/environ"))),
        ("memory of a process", read_write(&format!("{proc}/mem"))),
        ("ptrace", ptrace(victim)),
        ("signal", signal(victim)),
        ("io_uring", io_uring()),
        ("session", in_child(|| setsid().is_ok())),
        ("process group", in_child(|| setpgid(None, None).is_ok())),
    ]
}

fn check(result: impl Into<i64>) -> io::Result<()> {
    if result.into() < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn socket(family: c_int, kind: c_int) -> io::Result<()> {
    // SAFETY: it takes numbers only.
    check(unsafe { libc::socket(family, kind, 0) })
}

/// Families that this kernel lacks count as well: another one may have them.
fn other_socket() -> io::Result<()> {
    let known = [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
    ];
    let others = (0..64).filter(|family| !known.contains(family));
    let denied = |family| {
        let error = socket(family, libc::SOCK_STREAM).err();
        error.is_some_and(|error| error.raw_os_error() == Some(libc::EACCES))
    };
    let open: Vec<_> = others.filter(|family| !denied(*family)).collect();
    if open.is_empty() {
        return Err(io::Error::other("all denied"));
    }
    Ok(())
}

/// Counts unless it is denied: most kernels lack these calls.
fn x32_socket() -> io::Result<()> {
    if !cfg!(target_arch = "x86_64") {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: it takes numbers only.
    let result = unsafe { libc::syscall(0x4000_0000 | libc::SYS_socket, libc::AF_VSOCK, 1, 0) };
    match check(result) {
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Err(error),
        _ => Ok(()),
    }
}

fn io_uring() -> io::Result<()> {
    let mut parameters = [0u8; 256];
    // SAFETY: the structure is smaller than this.
    check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &raw mut parameters) })
}

/// Kills the process that makes it.
fn call_of_32_bits() -> io::Result<()> {
    #[cfg(target_arch = "x86_64")]
    return in_child(|| {
        let getpid = 20;
        let result: i32;
        // SAFETY: the call takes and changes nothing but the register of its number.
        unsafe { std::arch::asm!("int 0x80", inlateout("eax") getpid => result) };
        result > 0
    });
    #[cfg(not(target_arch = "x86_64"))]
    Err(io::ErrorKind::Unsupported.into())
}

fn ptrace(victim: c_int) -> io::Result<()> {
    // SAFETY: it takes numbers only.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, victim, 0, 0) })
}

fn signal(victim: c_int) -> io::Result<()> {
    let victim = Pid::from_raw(victim).ok_or(io::ErrorKind::NotFound)?;
    Ok(kill_process(victim, Signal::CONT)?)
}

/// One of a pair, which needs no `socket`.
fn datagram(path: &str) -> io::Result<()> {
    UnixDatagram::pair()?.0.connect(path)
}

fn connect_abstract(name: &str) -> io::Result<()> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

fn variable(name: &str) -> io::Result<()> {
    env::var_os(name)
        .map(drop)
        .ok_or(io::ErrorKind::NotFound.into())
}

fn read(path: &str) -> io::Result<()> {
    fs::read(path).map(drop)
}

fn read_write(path: &str) -> io::Result<()> {
    fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .map(drop)
}

/// The leader of a process group may not leave it in any case; its child may.
fn in_child(succeeds: impl Fn() -> bool) -> io::Result<()> {
    // SAFETY: GStreamer has no threads yet.
    let child = unsafe { libc::fork() };
    check(child)?;
    if child == 0 {
        let failed = !succeeds();
        // SAFETY: it takes a number only.
        unsafe { libc::_exit(failed.into()) }
    }
    let mut status = 0;
    // SAFETY: the status is ours.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    if status == 0 {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(libc::EACCES))
}

/// Leaves a process behind that has let go of everything.
fn stay() -> io::Result<u32> {
    let mut child = process::Command::new("sleep");
    child.arg("3600").env_clear();
    let [stdin, stdout, stderr] = [(); 3].map(|()| process::Stdio::null());
    Ok(child
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .spawn()?
        .id())
}
