//! A configuration in pieces, so that a smaller one can be made of it.

/// A directive, with its block if it has one.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name and arguments.
    pub text: String,
    /// What is in its block.
    pub block: Option<Vec<Node>>,
    /// It stays as long as what it stands in.
    pub fixed: bool,
}

impl Node {
    /// A directive that ends with `;`.
    pub fn line(text: impl Into<String>) -> Node {
        Node { text: text.into(), block: None, fixed: false }
    }

    /// A directive with a block.
    pub fn block(text: impl Into<String>, block: Vec<Node>) -> Node {
        Node { text: text.into(), block: Some(block), fixed: false }
    }

    /// One that its block cannot be without.
    pub fn fixed(mut self) -> Node {
        self.fixed = true;
        self
    }
}

/// How many nodes there are, those in blocks counted.
pub fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + node.block.as_deref().map_or(0, count)).sum()
}

/// The nodes with these numbers, in the order of the text, and those that are fixed.
pub fn part(nodes: &[Node], kept: &[usize]) -> Vec<Node> {
    take(nodes, kept, &mut 0)
}

fn take(nodes: &[Node], kept: &[usize], number: &mut usize) -> Vec<Node> {
    let mut found = Vec::new();
    for node in nodes {
        let stays = node.fixed || kept.binary_search(number).is_ok();
        *number += 1;
        let block = node.block.as_deref().map(|block| take(block, kept, number));
        if stays {
            found.push(Node { block, ..node.clone() });
        }
    }
    found
}

/// The text.
pub fn render(nodes: &[Node], depth: usize) -> String {
    let indent = "    ".repeat(depth);
    let one = |node: &Node| match &node.block {
        None => format!("{indent}{};\n", node.text),
        Some(block) if block.is_empty() => format!("{indent}{} {{}}\n", node.text),
        Some(block) => {
            format!("{indent}{} {{\n{}{indent}}}\n", node.text, render(block, depth + 1))
        }
    };
    nodes.iter().map(one).collect()
}

#[test]
fn a_part_has_what_it_is_made_of() {
    let inner = vec![Node::line("listen").fixed(), Node::line("b"), Node::line("c")];
    let nodes = vec![Node::block("a", inner), Node::line("d")];
    assert_eq!(count(&nodes), 5);
    assert_eq!(render(&part(&nodes, &[0, 3]), 0), "a {\n    listen;\n    c;\n}\n");
    assert_eq!(render(&part(&nodes, &[2, 4]), 0), "d;\n");
}
