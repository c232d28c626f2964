//! Paths that lead elsewhere.

use crate::check::{Check, Report};
use crate::location::Location;
use crate::place::{Place, arg};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "alias_traversal",
        why: "a location without a slash at its end, over an `alias` with one: `/i../secret` is a file beside the folder",
        remedy: "end both with a slash, or neither",
        wrong: "location /i { alias /srv/images/; }",
        right: "location /i/ { alias /srv/images/; }\nlocation = /logo { alias /srv/logo/; }",
        look: alias_traversal,
    },
    Check {
        name: "root_too_wide",
        why: "the folder has what is no web page: keys, passwords, configurations",
        remedy: "give the site a folder of its own",
        wrong: "root /etc;",
        right: "root /var/www/site;\nlocation = /hosts { alias /etc/hosts; }",
        look: root_too_wide,
    },
    Check {
        name: "autoindex_everywhere",
        why: "`autoindex on` in `http {}` lists the folders of every site, those to come, too",
        remedy: "turn it on in the location whose folder is meant to be listed",
        wrong: "http { autoindex on; }",
        right: "location /files/ { autoindex on; }",
        look: autoindex_everywhere,
    },
    Check {
        name: "error_log_off",
        why: "`error_log` cannot be turned off: this writes a file that is called \"off\"",
        remedy: "write `error_log /dev/null crit;`",
        wrong: "error_log off;",
        right: "error_log /dev/null crit;\naccess_log off;",
        look: error_log_off,
    },
    Check {
        name: "merge_slashes_off",
        why: "`//admin` no longer is `/admin`: what a location protects is reached around it",
        remedy: "leave it on, or check the paths in what is behind the server",
        wrong: "merge_slashes off;",
        right: "merge_slashes on;",
        look: merge_slashes_off,
    },
    Check {
        name: "try_files_cycle",
        why: "the last word of `try_files` is where the request goes if there is no file: to itself, again and again, \
              until it is refused with 500",
        remedy: "end it with a status, `=404`, or with a page that is there",
        wrong: "location / { try_files $uri $uri/; }",
        right: "location / { try_files $uri $uri/ =404; }",
        look: try_files_cycle,
    },
];

/// Folders that no site has.
const NO_SITES: &[&str] = &[
    "",
    "/boot",
    "/dev",
    "/etc",
    "/etc/letsencrypt",
    "/etc/nginx",
    "/etc/ssl",
    "/home",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/var/lib",
    "/var/log",
];

fn alias_traversal(place: &Place<'_>, report: &mut Report) {
    let Some(prefix) = place.parent().and_then(Location::open_prefix) else { return };
    if let [path] = &place.node.args[..]
        && place.is("alias")
        && path.text.ends_with('/')
    {
        let message = format!("\"{prefix}..\" leads out of the folder \"{}\"", path.text);
        report.at(path, message);
    }
}

fn root_too_wide(place: &Place<'_>, report: &mut Report) {
    let [path] = &place.node.args[..] else { return };
    let one_file = matches!(place.parent().and_then(Location::of), Some(Location::Exact(_)));
    let folder = path.text.trim_end_matches('/');
    if path.text.starts_with('/')
        && (place.is("root") || (place.is("alias") && !one_file))
        && NO_SITES.contains(&folder)
    {
        report.at(path, format!("the site has all of \"{}\"", path.text));
    }
}

fn autoindex_everywhere(place: &Place<'_>, report: &mut Report) {
    if place.is("autoindex") && place.stands_in("http") && arg(place.node, 0) == "on" {
        report.at(&place.node.name, "the folders of every site are listed");
    }
}

fn error_log_off(place: &Place<'_>, report: &mut Report) {
    if place.is("error_log") && arg(place.node, 0) == "off" {
        report.at(&place.node.args[0], "errors are logged to a file that is called \"off\"");
    }
}

fn merge_slashes_off(place: &Place<'_>, report: &mut Report) {
    if place.is("merge_slashes") && arg(place.node, 0) == "off" {
        report.at(&place.node.name, "\"//admin\" is not the location \"/admin\"");
    }
}

fn try_files_cycle(place: &Place<'_>, report: &mut Report) {
    if let [_, .., last] = &place.node.args[..]
        && place.is("try_files")
        && ["$uri", "$uri/", "$document_uri", "$document_uri/"].contains(&last.text.as_str())
    {
        report.at(last, "a request for a file that is not there goes in a circle");
    }
}
