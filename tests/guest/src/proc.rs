//! A process's figures in /proc.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

pub fn is_running(pid: u32) -> bool {
    // A zombie still has a directory.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !matches!(stat.rsplit(") ").next(), Some(rest) if rest.starts_with('Z')))
}

pub fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

pub fn threads(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}

/// The process and all below it.
pub fn tree(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(&parent) = all.get(next) {
        all.extend(children(parent));
        next += 1;
    }
    all
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Kilobytes.
pub fn pss(pid: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    field(&rollup, "Pss:").context("no Pss in smaps_rollup")
}

/// CPU time of all live threads since the start.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let nanoseconds = tasks(pid, "schedstat", |text| {
        text.split(' ').next()?.parse::<u64>().ok()
    })?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Context switches of all threads since the start.
pub fn context_switches(pid: u32) -> Result<u64> {
    tasks(pid, "status", switches)
}

/// Context switches of the main thread since the start.
pub fn context_switches_of_main(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    switches(&status).context("no switches in status")
}

fn switches(status: &str) -> Option<u64> {
    Some(field(status, "voluntary_ctxt_switches:")? + field(status, "nonvoluntary_ctxt_switches:")?)
}

/// Open and mapped files whose names contain `part`, as paths for reading them.
pub fn files_named(pid: u32, part: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["fd", "map_files"] {
        for entry in fs::read_dir(format!("/proc/{pid}/{folder}"))? {
            let path = entry?.path();
            // It may have been closed since the listing.
            if fs::read_link(&path).is_ok_and(|name| name.to_string_lossy().contains(part)) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn tasks(pid: u32, file: &str, value: impl Fn(&str) -> Option<u64>) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join(file))?;
        sum += value(&text).with_context(|| format!("no number in {file}"))?;
    }
    Ok(sum)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
