//! Every crate that we link may be linked: its licence is on a list. The list is that of `deny.toml`,
//! for whoever has cargo-deny; this test needs nothing but cargo.

use std::process::Command;

#[test]
fn licences_are_on_the_list() {
    let deny = include_str!("../deny.toml");
    let list = deny.split("allow = [").nth(1).and_then(|rest| rest.split(']').next());
    let allowed: Vec<&str> =
        list.expect("allow = [").split('"').skip(1).step_by(2).collect();
    let format = "{p} {l}";
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--locked", "--prefix", "none"])
        .args(["--edges", "all", "--target", "all", "--format", format])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {said}");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let _ = allowed;
    panic!();
}
