use std::collections::BTreeSet;

use conf::Tree;

use crate::{Check, all, look};

/// The names of what is found in the lines of a server.
fn found(lines: &str) -> Vec<&'static str> {
    // What is meant for `http {}` says so.
    let text = match lines.contains("http {") {
        true => lines.to_owned(),
        false => format!("http {{ server {{ server_name a.example;\n{lines}\n}} }}"),
    };
    let tree = Tree::parse("test", &text).unwrap_or_else(|e| panic!("{}\n{lines}", e.render()));
    look(&tree).iter().map(|warning| warning.check.name).collect()
}

#[test]
fn each_check_finds_its_own_and_nothing_else() {
    for Check { name, wrong, right, .. } in all() {
        assert_eq!(found(wrong), [*name], "{wrong}");
        assert!(found(right).is_empty(), "{name}: {:?}\n{right}", found(right));
    }
}

#[test]
fn checks_have_names_and_words_of_their_own() {
    let distinct = |of: fn(&Check) -> &str| all().map(of).collect::<BTreeSet<_>>().len();
    let count = all().count();
    assert_eq!(distinct(|check| check.name), count);
    assert_eq!(distinct(|check| check.remedy), count);
    for check in all() {
        assert!(!check.why.ends_with('.') && !check.remedy.ends_with('.'), "{}", check.name);
        assert!(!check.why.contains('\n') && !check.remedy.contains('\n'), "{}", check.name);
    }
}

#[test]
fn a_comment_silences_one() {
    let at = |comments: [&str; 3]| {
        let [before, behind, after] = comments;
        found(&format!("location /i {{\n{before}\nalias /srv/; {behind}\n{after}\n}}"))
    };
    assert!(at(["# lint:ignore alias_traversal", "", ""]).is_empty());
    assert!(at(["  # lint:ignore if_last_wins, alias_traversal", "", ""]).is_empty());
    assert!(at(["", "# lint:ignore alias_traversal", ""]).is_empty());
    for not in [
        ["", "", "# lint:ignore alias_traversal"],
        ["# lint:ignore alias", "", ""],
        ["# lint:ignore", "", ""],
        ["index lint:ignore alias_traversal;", "", ""],
        ["index x; # lint:ignore alias_traversal", "", ""],
    ] {
        assert_eq!(at(not), ["alias_traversal"], "{not:?}");
    }
}

#[test]
fn places_and_remedies_are_told() {
    let tree =
        Tree::parse("site", "http { server {\nlocation /i { alias /srv/; } } }").expect("ok");
    let warning = &look(&tree)[0];
    assert!(warning.error.to_string().ends_with(" in site:2"), "{}", warning.error);
    assert_eq!(warning.error.hint(), Some(warning.check.remedy));
}

#[test]
fn what_is_strange_is_looked_at_without_harm() {
    for lines in [
        "location { alias; }",
        "location ~ { return; rewrite; }",
        "location ~ \"(\" { fastcgi_pass x; return 301 $; }",
        "if { } if ( ) { } add_header; proxy_pass; proxy_pass http://; allow; auth_request;",
        "return 301 ${; rewrite ( $9; listen; ssl_ciphers; try_files; root; error_log;",
        "location ~ \"[(\\\\\" { proxy_pass http://$1; }",
        "location ~ é(é+)+$ { return 301 /$1; } proxy_pass é://é$é;",
        "map { } map $http_origin $x { ~; ~é 1; }",
    ] {
        found(lines);
    }
}
