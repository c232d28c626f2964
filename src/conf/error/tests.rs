//! What a user sees.

use super::*;
use crate::Tree;

fn render(text: &str) -> String {
    Tree::parse("t.conf", text).unwrap_err().render()
}

#[test]
fn the_caret_stands_under_the_word() {
    let tree = Tree::parse("t.conf", "a;\n\té 'b c' d;\n").unwrap();
    let word = &tree.root[1].args[0];
    let error = Error::at("wrong", word.span, &tree.files).with_hint("did you mean \"e\"?");
    assert_eq!(error.to_string(), "wrong in t.conf:2");
    let expected = "wrong in t.conf:2\n    \té 'b c' d;\n    \t  ^^^^^\ndid you mean \"e\"?";
    assert_eq!(error.render(), expected);
    assert_eq!((error.message(), error.hint()), ("wrong", Some("did you mean \"e\"?")));
    assert_eq!(error.place().map(|place| place.span), Some(word.span));
}

#[test]
fn syntax_errors() {
    assert_eq!(render("a;\n}"), "unexpected \"}\" in t.conf:2\n    }\n    ^");
    assert_eq!(
        render("a {\n"),
        "unexpected end of file, expecting \"}\" in t.conf:2\nthe \"{\" in t.conf:1 is not closed"
    );
    assert_eq!(
        render("a 'b;\n"),
        "unexpected end of file, expecting \";\" or \"}\" in t.conf:2\n\
         the \"'\" in t.conf:1 is not closed"
    );
}

#[test]
fn a_word_of_several_lines_is_marked_on_the_first() {
    let tree = Tree::parse("t", "a 'b\nccccccccc' d;").unwrap();
    let error = Error::at("wrong", tree.root[0].args[0].span, &tree.files);
    assert_eq!(error.render(), "wrong in t:1\n    a 'b\n      ^^");
}

#[test]
fn long_lines_are_cut() {
    let text = format!("a {} }}", "x ".repeat(100_000));
    let rendered = render(&text);
    let lines: Vec<&str> = rendered.lines().collect();
    assert!(lines[1].len() < 200 && lines[1].ends_with("x  }"), "{lines:?}");
    assert_eq!(lines[1].len(), lines[2].len());
}

#[test]
fn control_characters_are_not_shown() {
    let rendered = render("\u{1b}[31m }");
    assert!(rendered.ends_with("\n    ?[31m }\n          ^"), "{rendered}");
}

#[test]
fn errors_without_a_place_get_one() {
    let tree = Tree::parse("t", "a b;").unwrap();
    let error = Error::new("wrong");
    assert_eq!((error.to_string().as_str(), error.render().as_str()), ("wrong", "wrong"));
    let error = error.or_at(tree.root[0].args[0].span, &tree.files);
    assert_eq!(error.to_string(), "wrong in t:1");
    let error = error.or_at(Span { line: 9, ..Span::default() }, &tree.files);
    assert_eq!(error.to_string(), "wrong in t:1");
}
