//! The target `fastcgi` under libFuzzer; else it runs the files that are named on the command line.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::fastcgi(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    fuzz_targets::replay(fuzz_targets::fastcgi)
}
