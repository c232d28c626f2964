//! The configuration language.

use conf::grammar::MAX_WORD;
use conf::{Error, Node, Span, Tree, Word};

/// A configuration parses, or the error can be shown. What parses is printed and parsed again: the
/// words must be the same. Spans are inside the text.
pub fn conf(data: &[u8]) {
    let tree = match Tree::parse("fuzz", data) {
        Ok(tree) => tree,
        Err(error) => return show(&error),
    };
    let lines = data.split(|&byte| byte == b'\n').count();
    each(&tree.root, &mut |word| inside(word.span, lines, data.len()));
    // An escape may make a word too long to be read again.
    let mut short = true;
    each(&tree.root, &mut |word| short &= 2 * word.text.len() < MAX_WORD);
    if short {
        // Not at the very front, where a byte order mark is refused.
        let text: String = tree.root.iter().map(|node| format!("\n{node}")).collect();
        match Tree::parse("printed", conf::text::bytes(&text)) {
            Ok(again) => assert!(same(&tree.root, &again.root), "reads differently:\n{text}"),
            Err(error) => panic!("cannot be read again: {}\n{text}", error.render()),
        }
    }
}

fn show(error: &Error) {
    assert!(!error.message().is_empty(), "an error says nothing");
    let text = error.render();
    assert!(text.contains(error.message()), "the message is lost: {text}");
}

fn inside(span: Span, lines: usize, len: usize) {
    assert!(span.line >= 1 && span.line as usize <= lines, "{span:?} of {lines} lines");
    assert!(span.column >= 1 && span.column as usize <= len, "{span:?} of {len} bytes");
    assert!(span.len >= 1 && span.len as usize <= len, "{span:?} of {len} bytes");
}

/// Calls `f` on each word, in order.
fn each(nodes: &[Node], f: &mut dyn FnMut(&Word)) {
    for node in nodes {
        f(&node.name);
        node.args.iter().for_each(&mut *f);
        each(node.block.as_deref().unwrap_or_default(), f);
    }
}

/// Whether both have the same words, wherever they stand.
fn same(a: &[Node], b: &[Node]) -> bool {
    let words = |node: &Node| -> Vec<String> {
        std::iter::once(&node.name).chain(&node.args).map(|word| word.text.clone()).collect()
    };
    let blocks = |a: &Node, b: &Node| match (&a.block, &b.block) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| words(a) == words(b) && blocks(a, b))
}
