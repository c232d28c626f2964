//! The page of the checks.

use std::fmt::Write;

/// `docs/lint.md`.
pub fn page() -> String {
    let mut text = String::from(
        "# Lint

`rserve -t --lint` tests a configuration, and then looks for what is right to the letter and yet a trap: lines that do \
         something else than they seem to. It reads the file only; nginx need not be there, and what rserve does not \
         serve yet is looked at as well. The exit status is that of `-t`: warnings do not change it.

```sh
rserve -c conf/rserve.conf -t --lint
```

Some are traps for nginx only: rserve does not leave a folder by `/i..`, and no line break of a client comes into a \
         header. They are told all the same, since a file serves both.

Each warning names its check, the place and a remedy. What is meant as it stands is silenced by a comment, \
         behind the directive or in a line of its own before it; several names may follow:

```nginx server
location /mirror {
    # lint:ignore alias_traversal
    alias html/;
}
```

| check | what goes wrong | instead |
|---|---|---|
",
    );
    for check in crate::all() {
        let cell = |text: &str| text.replace('|', "\\|");
        let (why, remedy) = (cell(check.why), cell(check.remedy));
        let _ = writeln!(text, "| [`{0}`](#{0}) | {why} | {remedy} |", check.name);
    }
    text.push_str("\nThe lines that each check warns of, and how they can be written.\n");
    for check in crate::all() {
        let _ = writeln!(text, "\n## {}\n\n```text\n{}\n```\n", check.name, check.wrong);
        let _ = writeln!(text, "```text\n{}\n```", check.right);
    }
    text
}
