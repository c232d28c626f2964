//! Reading a configuration: the main file, and what it includes.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::grammar::{self, SyntaxError};
use crate::{COMMAND_LINE, Error, File, Files, Node, Span, Tree, Word, glob};

/// An included file may include another, this deep.
const MAX_INCLUDES: usize = 16;
/// The size of one file.
const MAX_FILE: u64 = 128 << 20;
/// The size of all text, a file that is included twice counted twice.
const MAX_TOTAL: usize = 256 << 20;

impl Tree {
    /// Reads a configuration file and all that it includes.
    pub fn load(path: &Path) -> Result<Tree, Error> {
        Tree::load_with(path, "")
    }

    /// Reads a configuration file after the directives given with `-g`.
    pub fn load_with(path: &Path, globals: &str) -> Result<Tree, Error> {
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut loader = Loader { dir, includes: true, ..Loader::default() };
        let mut root = Vec::new();
        if !globals.is_empty() {
            root = loader.globals(globals)?;
        }
        let main = loader.read(path)?;
        root.extend(loader.file(main, 0)?);
        Ok(Tree { files: loader.files, dir: loader.dir, root })
    }

    /// Parses a text that is not a file. It cannot include files.
    pub fn parse(name: &str, text: impl AsRef<[u8]>) -> Result<Tree, Error> {
        let mut loader = Loader::default();
        let file = loader.add(name, PathBuf::new(), text.as_ref().to_vec())?;
        let root = loader.file(file, 0)?;
        Ok(Tree { files: loader.files, dir: loader.dir, root })
    }
}

#[derive(Default)]
struct Loader {
    files: Files,
    dir: PathBuf,
    includes: bool,
    /// The files read so far, by absolute path.
    read: HashMap<PathBuf, u16>,
    /// The files being expanded: each includes the next.
    chain: Vec<u16>,
    total: usize,
}

impl Loader {
    /// The directives of `-g`: no blocks, and no line numbers in messages.
    fn globals(&mut self, text: &str) -> Result<Vec<Node>, Error> {
        let file = self.add(COMMAND_LINE, PathBuf::new(), text.into())?;
        let nodes = self.file(file, 0)?;
        // A file that is included from here may have blocks.
        match nodes.iter().find(|node| node.block.is_some() && node.name.span.file == file) {
            Some(node) => {
                let message = "block directives are not supported in -g option";
                Err(Error::at(message, node.name.span, &self.files))
            }
            None => Ok(nodes),
        }
    }

    /// Parses a file inside of `depth` open blocks and expands its includes.
    fn file(&mut self, file: u16, depth: usize) -> Result<Vec<Node>, Error> {
        let text = self.files.get(file).map_or("", |file| &file.text);
        self.total += text.len();
        if self.total > MAX_TOTAL {
            return Err(Error::new(format!("the configuration is longer than {MAX_TOTAL} bytes")));
        }
        let nodes =
            grammar::parse(text, file, depth).map_err(|error| syntax_error(error, &self.files))?;
        self.chain.push(file);
        let nodes = self.expand(nodes, depth);
        self.chain.pop();
        nodes
    }

    /// Replaces each `include` with what it includes, in the order of the text.
    fn expand(&mut self, mut nodes: Vec<Node>, depth: usize) -> Result<Vec<Node>, Error> {
        // Most blocks include nothing; they are not copied.
        if nodes.iter().all(|node| node.name != "include") {
            for node in &mut nodes {
                self.expand_block(node, depth)?;
            }
            return Ok(nodes);
        }
        let mut expanded = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            if node.name == "include" {
                expanded.append(&mut self.include(&node, depth)?);
            } else {
                self.expand_block(&mut node, depth)?;
                expanded.push(node);
            }
        }
        Ok(expanded)
    }

    fn expand_block(&mut self, node: &mut Node, depth: usize) -> Result<(), Error> {
        if let Some(block) = node.block.take() {
            node.block = Some(self.expand(block, depth + 1)?);
        }
        Ok(())
    }

    fn include(&mut self, node: &Node, depth: usize) -> Result<Vec<Node>, Error> {
        let pattern = self.pattern(node)?;
        let mut nodes = Vec::new();
        for path in glob::paths(&self.dir, &pattern.text) {
            let placed = |files: &Files, error: Error| error.or_at(pattern.span, files);
            let file = self.read(&path).map_err(|error| placed(&self.files, error))?;
            if self.chain.contains(&file) {
                return Err(Error::at(self.cycle(file), pattern.span, &self.files));
            }
            let included = self.file(file, depth).map_err(|error| placed(&self.files, error))?;
            nodes.extend(included);
        }
        Ok(nodes)
    }

    /// The argument of an `include` that is well-formed and allowed.
    fn pattern<'n>(&self, node: &'n Node) -> Result<&'n Word, Error> {
        let fail = |message: String, span| Err(Error::at(message, span, &self.files));
        if node.block.is_some() {
            let message = "directive \"include\" is not terminated by \";\"";
            return fail(message.to_owned(), node.name.span);
        }
        let [pattern] = node.args.as_slice() else {
            let message = "invalid number of arguments in \"include\" directive";
            return fail(message.to_owned(), node.name.span);
        };
        if !self.includes {
            return fail("files cannot be included here".to_owned(), pattern.span);
        }
        if self.chain.len() > MAX_INCLUDES {
            let message = format!("files are included more than {MAX_INCLUDES} deep");
            return fail(message, pattern.span);
        }
        Ok(pattern)
    }

    /// `include cycle: a.conf -> b.conf -> a.conf`
    fn cycle(&self, file: u16) -> String {
        let names: Vec<&str> = self
            .chain
            .iter()
            .skip_while(|f| **f != file)
            .chain([&file])
            .filter_map(|f| self.files.get(*f).map(|f| f.name.as_str()))
            .collect();
        format!("include cycle: {}", names.join(" -> "))
    }

    /// The number of the file, read now or earlier.
    fn read(&mut self, path: &Path) -> Result<u16, Error> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if let Some(file) = self.read.get(&absolute) {
            return Ok(*file);
        }
        let failed = |call: &'static str| move |error| Error::io(call, path, &error);
        let file = open(path)?;
        let mut text = Vec::new();
        // One byte more than the limit tells a file at the limit from a longer one.
        file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(failed("read"))?;
        let file = self.add(&path.to_string_lossy(), absolute.clone(), text)?;
        self.read.insert(absolute, file);
        Ok(file)
    }

    /// Adds a text to the files, if it is one.
    fn add(&mut self, name: &str, path: PathBuf, text: Vec<u8>) -> Result<u16, Error> {
        if text.len() as u64 > MAX_FILE {
            return Err(Error::new(format!("\"{name}\" is longer than {MAX_FILE} bytes")));
        }
        let text = crate::text::decode(&text);
        let fault = find_fault(&text);
        let added = self.files.add(File { name: name.to_owned(), path, text });
        let file = added.ok_or_else(|| Error::new("too many configuration files"))?;
        match fault {
            None => Ok(file),
            Some((message, line, column)) => {
                Err(Error::at(message, Span { file, line, column, len: 1 }, &self.files))
            }
        }
    }
}

/// The first character that does not belong in a text, if any: what it is, its line and column.
fn find_fault(text: &str) -> Option<(&'static str, u32, u32)> {
    if text.starts_with('\u{feff}') {
        return Some(("unexpected byte order mark", 1, 1));
    }
    let before = &text[..text.find('\0')?];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Some(("unexpected NUL byte", line as u32, column as u32))
}

/// A syntax error with its file.
fn syntax_error(error: SyntaxError, files: &Files) -> Error {
    let opened = error.opened.map(|(what, span)| {
        let file = files.file(span).map_or("", |file| &file.name);
        format!("the \"{what}\" in {file}:{} is not closed", span.line)
    });
    let in_file = files.file(error.span).is_some_and(|file| file.name != COMMAND_LINE);
    let message = match error.message {
        message if in_file || !message.starts_with("unexpected end of file") => message,
        _ => "unexpected end of parameter, expecting \";\"".to_owned(),
    };
    let error = Error::at(message, error.span, files);
    match opened {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Opens a file to read all of it. A FIFO is refused, and opening one waits for nobody: the server that
/// reloads would stand still until somebody comes to write. A pipe that was inherited (`-c <(…)` in a
/// shell) is read: its name leads through `/dev/fd` or `/proc`.
fn open(path: &Path) -> Result<fs::File, Error> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let failed = |error| Error::io("open", path, &error);
    let inherited = path.starts_with("/dev") || path.starts_with("/proc");
    let flags = if inherited { 0 } else { O_NONBLOCK };
    let file = fs::File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    match kind.is_fifo() && !inherited {
        true => {
            let path = path.display();
            Err(Error::new(format!("\"{path}\" is a FIFO, whose writer may never come")))
        }
        false => Ok(file),
    }
}

/// Linux's, on every architecture that Rust's standard library runs on but MIPS and SPARC.
const O_NONBLOCK: i32 = 0o4000;

#[cfg(test)]
mod tests;
