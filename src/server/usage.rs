//! What the command line says about the program itself.

use crate::place::INSTALLED_PREFIX;
use crate::{Failure, Modules, NAME, VERSION, say};

/// `-v`, `-V`, `--version`.
pub fn print_version(build: bool, modules: Modules) -> Result<(), Failure> {
    say(format_args!("{NAME} version: {NAME}/{VERSION}\n"));
    if build {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        say(format_args!("built for: {target} ({profile})\n"));
        let parts = modules.iter().flat_map(|module| module.parts());
        let mut names: Vec<_> = parts.map(|(name, _)| name).collect();
        names.dedup();
        say(format_args!("modules: {}\n", names.join(" ")));
        say(format_args!("prefix: {}\n", INSTALLED_PREFIX));
    }
    Ok(())
}

/// `-h`, `-?`, `--help`.
pub fn print_help() -> Result<(), Failure> {
    say(format_args!(
        "{NAME} version: {NAME}/{VERSION}
Files with ranges, event streams and live video, from nginx's configuration language.

Usage: {NAME} [-?hvVtTq] [--lint] [-s signal] [-p prefix] [-e filename] [-c filename] [-g directives]

To begin:
  {NAME} -c conf/rserve.conf              serve what the file says
  {NAME} -c conf/rserve.conf -t           look for mistakes in it, all at once
  {NAME} -c conf/rserve.conf -s reload    take the changed file; nothing is interrupted

Options:
  -?,-h,--help  : this help
  -v,--version  : show version and exit
  -V            : show version, modules and the installed prefix, then exit
  --directives  : print the directives and variables of this binary, as a page in Markdown
  -t            : test configuration and exit
  --lint        : with -t: look for lines that do something else than they seem to, too
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : tell the running server to
                    stop     end at once
                    quit     finish what is being served, then end
                    reload   take the new configuration; waits until it is served, exits with 1
                             and the reason if the old one had to stay
                    upgrade  start the new binary and leave; waits and exits in the same way
                    reopen   reopen the log files, after a rotation
  -p prefix     : set prefix path, where relative paths start
  -e filename   : set error log file (default: logs/error.log)
  -c filename   : set configuration file (default: conf/rserve.conf)
  -g directives : set global directives out of configuration file

Without -p and -c, conf/rserve.conf is looked for in the current directory, then in RSERVE_PREFIX
or, if that is not set, in {prefix}.
",
        prefix = INSTALLED_PREFIX
    ));
    Ok(())
}
