//! What shells complete.

use std::path::PathBuf;

use clap::Command;
use clap_complete::{Shell, generate};

/// Where each shell looks below `share`, and the script that it is to find there.
pub fn completions(command: &Command) -> [(PathBuf, Vec<u8>); 3] {
    let name = command.get_name();
    let places = [
        (Shell::Bash, format!("bash-completion/completions/{name}")),
        (
            Shell::Fish,
            format!("fish/vendor_completions.d/{name}.fish"),
        ),
        (Shell::Zsh, format!("zsh/site-functions/_{name}")),
    ];
    places.map(|(shell, place)| {
        let mut script = Vec::new();
        generate(shell, &mut command.clone(), name, &mut script);
        (PathBuf::from(place), script)
    })
}
