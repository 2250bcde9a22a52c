//! A manual page.

use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use lenscap::settings::key::Key;

/// What is documented with `run`'s options: without a command, it is what happens.
const MAIN: &str = "lenscap";

/// A page is as old as the newest release.
const METAINFO: &str = include_str!("../../io.github.lenscap.Lenscap.metainfo.xml");

/// What only the manual's first page tells.
const CLOSING: [(&str, &[(&str, &str)]); 2] = [
    (
        "FILES",
        &[(
            "$XDG_CONFIG_HOME/lenscap/lenscap.toml",
            "The settings, in ~/.config where the variable is not set. There need not be one, and a \
             change counts as it is saved.",
        )],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "All went well."),
            (
                "1",
                "Something failed; one line on standard error says what to do.",
            ),
            ("2", "The command line can't be understood."),
        ],
    ),
];

/// The page of a command that was built.
pub fn of(command: Command, section: u8) -> Result<Vec<u8>> {
    let name = crate::name(&command);
    if name == format!("{MAIN}-run") {
        return Ok(format!(".so man1/{MAIN}.1\n").into_bytes());
    }
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let (lists, sentences): (Vec<_>, Vec<_>) = blocks(&help).partition(is_list);
    let (has_options, has_commands) = (
        command.get_arguments().next().is_some(),
        command.has_subcommands(),
    );
    let page = Man::new(command)
        .title(name.to_uppercase())
        .section(section.to_string())
        .date(release_date().context("no release is known")?)
        .source(concat!("Lenscap ", env!("CARGO_PKG_VERSION")))
        .manual("Lenscap");

    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    paragraphs(&sentences).to_writer(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    if has_options {
        page.render_options_section(&mut text)?;
    }
    for list in lists {
        section_of(list).to_writer(&mut text)?;
    }
    closing(&name).to_writer(&mut text)?;
    Ok(text)
}

fn release_date() -> Option<&'static str> {
    let (_, newest) = METAINFO.split_once("<release ")?;
    let (_, date) = newest.split_once("date=\"")?;
    Some(date.split_once('"')?.0)
}

/// What `--help` ends with: sentences, and lists below a line with a colon.
fn blocks(help: &str) -> impl Iterator<Item = &str> {
    help.split("\n\n").filter(|block| !block.is_empty())
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as a partition wants it
fn is_list(block: &&str) -> bool {
    let mut lines = block.lines();
    lines.next().is_some_and(|line| line.ends_with(':'))
}

fn paragraphs(blocks: &[&str]) -> Roff {
    let mut page = Roff::new();
    for block in blocks {
        page.control("PP", []);
        page.text([roman(block.replace('\n', " "))]);
    }
    page
}

/// A list as a section: a term and what it means have two blanks between them, and a meaning that
/// has no term in its line goes on from the line above.
fn section_of(list: &str) -> Roff {
    let mut page = Roff::new();
    let (heading, lines) = list.split_once(":\n").unwrap_or((list, ""));
    page.control("SH", [heading.to_uppercase().as_str()]);
    for line in lines.lines() {
        let (term, meaning) = columns(line);
        if !term.is_empty() {
            page.control("TP", []).text([bold(term)]);
        }
        if !meaning.is_empty() {
            page.text([roman(meaning)]);
        }
    }
    page
}

/// The two columns of a list's line; either may be empty.
fn columns(line: &str) -> (&str, &str) {
    let line = line.strip_prefix("  ").unwrap_or(line);
    let (term, meaning) = line.split_once("  ").unwrap_or((line, ""));
    (term, meaning.trim_start())
}

/// What the config file may hold.
fn configuration() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["CONFIGURATION"]);
    page.text([roman("The config file is TOML. Each key may be missing:")]);
    let mut section = "";
    for (key, _) in Key::in_file() {
        if section != key.section {
            section = key.section;
            page.control("SS", [format!("[{section}]").as_str()]);
        }
        page.control("TP", []).text([bold(key.name)]);
        let (about, values) = (key.about, key.values);
        page.text([roman(format!(
            "{about}: {values} (default: {})",
            key.default_text()
        ))]);
    }
    page
}

fn closing(name: &str) -> Roff {
    let is_main = name == MAIN;
    let mut page = if is_main {
        configuration()
    } else {
        Roff::new()
    };
    for (heading, list) in CLOSING.iter().filter(|_| is_main) {
        page.control("SH", [*heading]);
        for (term, meaning) in *list {
            page.control("TP", []).text([bold(*term)]);
            page.text([roman(*meaning)]);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(if is_main {
        "lenscap-preferences(1), lenscap-fix(8)"
    } else {
        "lenscap(1)"
    })]);
    page
}
