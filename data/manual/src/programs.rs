//! The programs, and what each understands.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, ValueHint};
use lenscap_actions::RootAction;

/// What a person types.
pub fn in_the_path() -> [Command; 2] {
    [without_hidden(&lenscap::cli::command()), preferences()]
}

/// Shells would be told of hidden commands all the same, and none can be taken out.
fn without_hidden(main: &Command) -> Command {
    let commands = main.get_subcommands();
    Command::new("lenscap")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(main.get_arguments().cloned())
        .subcommands(commands.filter(|command| !command.is_hide_set()).cloned())
}

/// What has a page of its own, and in which section of the manual.
pub fn pages() -> Vec<(u8, Command)> {
    let mut main = lenscap::cli::command().subcommand_help_heading("COMMANDS");
    main.build();
    let subcommands = main.get_subcommands().filter(|command| {
        // The window's page tells how to open it, too.
        !command.is_hide_set() && command.get_name() != "preferences"
    });
    let mut pages: Vec<_> = subcommands.map(|command| (1, command.clone())).collect();
    pages.extend([(1, main), (1, built(preferences())), (8, built(fix()))]);
    pages
}

fn built(mut command: Command) -> Command {
    command.build();
    command
}

/// The window. It reads its command line with GLib, as all GTK applications do.
fn preferences() -> Command {
    let config = Arg::new("config").long("config").value_name("FILE");
    let config = config.value_hint(ValueHint::FilePath);
    Command::new("lenscap-preferences")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .about("Set Lenscap up, and see what it does")
        .after_help(
            "The window edits the config file, and shows what the running applet does; neither needs \
             the other. 'lenscap preferences' opens the file that the applet uses.",
        )
        .arg(flag("about", "Show who made this"))
        .arg(config.help("Edit this config file instead of the user's own"))
        .arg(flag("version", "Show the version"))
}

/// The helper. It reads its two words itself, with nothing linked that could be attacked.
fn fix() -> Command {
    let actions = RootAction::ALL.map(|action| {
        let value = PossibleValue::new(action.name());
        value.help(help(action))
    });
    let action = Arg::new("action").value_name("ACTION").required(true);
    Command::new("lenscap-fix")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .disable_help_flag(true)
        .about("Mend what needs root in Lenscap's set-up")
        .after_help(
            "'lenscap doctor --fix' and the preferences window start it through pkexec, once polkit has \
             asked for an administrator's password. It takes no paths and no text, and reads nothing \
             of its caller's environment.",
        )
        .arg(flag("dry-run", "Tell what would be done"))
        .arg(action.help("What to do").value_parser(actions))
}

fn help(action: RootAction) -> &'static str {
    match action {
        RootAction::LoadModule => {
            "load v4l2loopback with Lenscap's options, anew where it has others"
        }
        RootAction::WriteModuleOptions => "have it loaded at every start, with Lenscap's options",
        RootAction::WriteUdevRules => "open the cameras' nodes to who sits at the machine",
        RootAction::AddDevice => "add a virtual camera beside those that others use",
        RootAction::TriggerUdev => "have udev look at every v4l2loopback device again",
        RootAction::DisableV4l2Relayd => "stop v4l2-relayd, now and at every start",
    }
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    let flag = Arg::new(name).long(name).action(ArgAction::SetTrue);
    flag.help(help)
}
