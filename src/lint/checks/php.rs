//! Scripts that run, and are none.

use conf::Node;

use crate::check::{Check, Report};
use crate::location::Location;
use crate::place::{Place, all, has};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "php_not_at_the_end",
        why: "`\\.php` anywhere in the name: an upload that is called `x.php.jpg` is run",
        remedy: "tie it to the end, `\\.php$`, or to a slash, `\\.php(/|$)`",
        wrong: "location ~ \\.php { try_files $uri =404; fastcgi_pass 127.0.0.1:9000; }",
        right: "location ~ \\.php$ { try_files $uri =404; fastcgi_pass 127.0.0.1:9000; }",
        look: php_not_at_the_end,
    },
    Check {
        name: "php_without_file",
        why: "`/upload/picture.jpg/x.php` is handed to PHP, which may look for a file and run the picture",
        remedy: "add `try_files $uri =404;` (`$fastcgi_script_name` where a path may follow)",
        wrong: "location ~ \\.php$ { fastcgi_pass 127.0.0.1:9000; }",
        right: "location ~ \\.php$ { try_files $uri =404; fastcgi_pass 127.0.0.1:9000; }\n\
                location ~ ^/index\\.php$ { fastcgi_pass 127.0.0.1:9000; }",
        look: php_without_file,
    },
];

/// Whether a location hands to PHP what its expression takes, one of these.
fn runs(place: &Place<'_>, names: [&str; 2]) -> bool {
    let pattern = Location::pattern(place.node).filter(|_| has(place.node, "fastcgi_pass"));
    pattern.is_some_and(|pattern| names.iter().all(|name| pattern.takes(name)))
}

fn php_not_at_the_end(place: &Place<'_>, report: &mut Report) {
    // What is split runs as `/x.php`.
    let split = has(place.node, "fastcgi_split_path_info");
    if runs(place, ["/x.php", "/x.php.jpg"]) && !split {
        report.at(Location::word(place.node), "\"/x.php.jpg\" is run, too");
    }
}

fn php_without_file(place: &Place<'_>, report: &mut Report) {
    let asks = |node: &Node| node.args.iter().any(|arg| arg.text.contains("-f"));
    if runs(place, ["/x.php", "/picture.jpg/x.php"])
        && !has(place.node, "try_files")
        && !has(place.node, "internal")
        && !all(place.node, "if").any(asks)
    {
        report.at(Location::word(place.node), "\"/picture.jpg/x.php\" is run, too");
    }
}
