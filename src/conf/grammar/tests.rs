//! Vectors for each rule of the grammar, and properties.

use proptest::prelude::*;

use super::*;

/// The words of each directive, blocks in braces: enough to compare structures.
fn shape(text: &str) -> Result<String, String> {
    fn show(nodes: &[Node]) -> String {
        let one = |node: &Node| {
            let words = std::iter::once(&node.name).chain(&node.args);
            let words: Vec<_> = words.map(|word| format!("<{}>", word.text)).collect();
            match &node.block {
                Some(block) => format!("{}{{{}}}", words.concat(), show(block)),
                None => format!("{};", words.concat()),
            }
        };
        nodes.iter().map(one).collect()
    }
    parse(text, 0, 0)
        .map(|nodes| show(&nodes))
        .map_err(|error| format!("{}:{} {}", error.span.line, error.span.column, error.message))
}

#[track_caller]
fn is(text: &str, expected: &str) {
    assert_eq!(shape(text).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    assert_eq!(shape(text), Err(expected.to_owned()), "{text}");
}

#[test]
fn directives_and_blocks() {
    is("", "");
    is("a;", "<a>;");
    is("a b  c\t\r\n d;e;", "<a><b><c><d>;<e>;");
    is("http{server{listen 80;}server{}}", "<http>{<server>{<listen><80>;}<server>{}}");
    is("map $a $b { default 0; ~x 1; }", "<map><$a><$b>{<default><0>;<~x><1>;}");
}

#[test]
fn comments_begin_where_a_word_may_begin() {
    is("# x;\na; # y {", "<a>;");
    is("a # b;\n c;", "<a><c>;");
    is("a b#c;", "<a><b#c>;");
    is("#", "");
    is(&format!("#{}\na;", "x".repeat(10_000)), "<a>;");
}

#[test]
fn quotes() {
    is(r#"a "b c" 'd;{}#' "";"#, "<a><b c><d;{}#><>;");
    is(r#"a "it's" 'say "x"';"#, r#"<a><it's><say "x">;"#);
    is("'a' \"b\nc\";", "<a><b\nc>;");
    is(r#"a b"c"d;"#, r#"<a><b"c"d>;"#);
    is(r#"if ($a = "b") {}"#, "<if><($a><=><b><)>{}");
    is(r#"a "b"{}"#, "<a><b>{}");
    fails(r#"a "b"c;"#, r#"1:6 unexpected "c""#);
    fails(r#"a "b"}"#, r#"1:6 unexpected "}""#);
    fails(r##"a "b"#"##, r##"1:6 unexpected "#""##);
}

#[test]
fn escapes() {
    is(r#"a "\"\'\\" '\"\'\\';"#, r#"<a><"'\><"'\>;"#);
    is(r#"a "x\ty\nz\r";"#, "<a><x\ty\nz\r>;");
    is(r"a \.php$ \; \{ \  \#;", r"<a><\.php$><\;><\{><\ ><\#>;");
    is(r"a \\; b\tc;", "<a><\\>;<b\tc>;");
    is(r#"a \"b\";"#, r#"<a><"b">;"#);
    fails(r"a \;", r#"1:5 unexpected end of file, expecting ";" or "}""#);
    fails(r"a \", r#"1:4 unexpected end of file, expecting ";" or "}""#);
}

#[test]
fn braces_of_variables() {
    is("a ${b}c;", "<a><${b}c>;");
    is("a x${b}{}", "<a><x${b}>{}");
    is("a ${{{b;", "<a><${{{b>;");
    is("a $b{}", "<a><$b>{}");
    is(r"a $\{b;", r"<a><$\{b>;");
    is("a b}c;", "<a><b}c>;");
}

#[test]
fn errors_of_structure() {
    fails("}", r#"1:1 unexpected "}""#);
    fails("a;}", r#"1:3 unexpected "}""#);
    fails("a }", r#"1:3 unexpected "}""#);
    fails(";", r#"1:1 unexpected ";""#);
    fails("a;;", r#"1:3 unexpected ";""#);
    fails("{", r#"1:1 unexpected "{""#);
    fails("a", r#"1:2 unexpected end of file, expecting ";" or "}""#);
    fails("a {\n", r#"2:1 unexpected end of file, expecting "}""#);
    fails("a 'b;\n\n", r#"3:1 unexpected end of file, expecting ";" or "}""#);
    let error = parse("a {\n b 'c;", 0, 0).unwrap_err();
    assert_eq!(error.opened.map(|(c, span)| (c, span.line, span.column)), Some(('\'', 2, 4)));
    let error = parse("\n a {b;", 0, 0).unwrap_err();
    assert_eq!(error.opened.map(|(c, span)| (c, span.line, span.column)), Some(('{', 2, 4)));
}

#[test]
fn spans() {
    let nodes = parse("a;\n\té 'x\\'y' {\n} # é\n b;", 7, 0).unwrap();
    let at = |span: Span| (span.file, span.line, span.column, span.len);
    assert_eq!(at(nodes[0].end), (7, 1, 2, 1));
    assert_eq!(at(nodes[1].name.span), (7, 2, 2, 1));
    assert_eq!(at(nodes[1].args[0].span), (7, 2, 4, 6));
    assert_eq!(at(nodes[1].end), (7, 3, 1, 1));
    assert_eq!(at(nodes[2].name.span), (7, 4, 2, 1));
    assert!(nodes[1].args[0].quoted && !nodes[1].name.quoted);
}

#[test]
fn bounds() {
    let word = "x".repeat(MAX_WORD - 1);
    is(&format!("{word} '{word}';"), &format!("<{word}><{word}>;"));
    fails(&format!("a\n{word}y;"), r#"2:1 too long parameter "xxxxxxxxxx..." started"#);
    let unclosed = r#"1:3 too long parameter, probably missing terminating "'" character"#;
    fails(&format!("a '{}", "b;\n".repeat(5000)), unclosed);
    let deep = |n: usize| "a{".repeat(n) + &"}".repeat(n);
    assert!(shape(&deep(MAX_NESTING)).is_ok());
    fails(&deep(MAX_NESTING + 1), "1:130 blocks are nested more than 64 deep");
    assert!(shape(&deep(1_000_000)).is_err());
    assert!(parse("a{}", 0, MAX_NESTING).is_err());
}

#[test]
fn long_input_without_end() {
    let end = "unexpected end of file, expecting \";\" or \"}\"";
    for text in ["a ", "a\n", "$ ", "'' ", "# \n a"] {
        let text = text.repeat(1 << 18);
        assert!(parse(&text, 0, 0).is_err_and(|error| error.message == end));
    }
    for text in ["a", "\\", "\\ ", "$", "\"", "\\\"", "é"] {
        assert!(parse(&text.repeat(1 << 20), 0, 0).is_err());
    }
}

fn word() -> impl Strategy<Value = Word> {
    ("[a-z{}();#$'\"\\\\ \n\té]{0,8}", any::<bool>()).prop_map(|(text, quoted)| Word {
        text,
        span: Span::default(),
        quoted,
    })
}

fn node() -> impl Strategy<Value = Node> {
    let args = || prop::collection::vec(word(), 0..4);
    let leaf = (word(), args()).prop_map(|(name, args)| (name, args, None));
    let node = |(name, args, block)| Node { name, args, block, end: Span::default() };
    leaf.prop_map(node).prop_recursive(4, 20, 4, move |inner| {
        let block = prop::option::of(prop::collection::vec(inner, 0..4));
        (word(), args(), block).prop_map(node)
    })
}

proptest! {
    #[test]
    fn printed_nodes_parse_to_the_same(nodes in prop::collection::vec(node(), 0..4)) {
        let printed: String = nodes.iter().map(|node| format!("{node}\n")).collect();
        let again = parse(&printed, 0, 0).unwrap();
        let reprinted: String = again.iter().map(|node| format!("{node}\n")).collect();
        prop_assert_eq!(again.len(), nodes.len());
        for (a, b) in again.iter().zip(&nodes) {
            prop_assert!(same(a, b), "{} {}", a, b);
        }
        prop_assert_eq!(reprinted.lines().count(), printed.lines().count());
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[ab{}();#$'\"\\\\ \n\té]{0,60}") {
        if let Err(error) = parse(&text, 0, 0) {
            prop_assert!(error.span.line as usize <= text.matches('\n').count() + 1);
            prop_assert!(!error.message.is_empty());
        }
    }
}

fn same(a: &Node, b: &Node) -> bool {
    let texts = |node: &Node| -> Vec<String> {
        std::iter::once(&node.name).chain(&node.args).map(|word| word.text.clone()).collect()
    };
    let blocks = match (&a.block, &b.block) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a.is_none() && b.is_none(),
    };
    texts(a) == texts(b) && blocks
}
