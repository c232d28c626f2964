//! Ranges.

use crate::Case;

/// Of a file of 100 bytes.
#[rustfmt::skip]
const RANGES: &[&str] = &[
    "bytes=0-0", "bytes=0-", "bytes=0-99", "bytes=0-100", "bytes=0-1000", "bytes=99-",
    "bytes=99-99", "bytes=100-", "bytes=100-200", "bytes=-1", "bytes=-0", "bytes=-100",
    "bytes=-101", "bytes=-1000", "bytes=-", "bytes=", "bytes=5-3", "bytes=5-5", "bytes=a-b",
    "bytes=0-b", "bytes=a", "bytes=1", "bytes=1-2-3", "bytes=--1", "bytes=0x1-2", "bytes=1-2;",
    "bytes=1-2 ", "bytes= 1-2", "bytes=1 -2", "bytes=1- 2", "bytes=1 - 2 , 4 - 5", "bytes=\t1-2",
    "bytes =1-2", "bytes", "byte", "bytes1-2", "Bytes=1-2", "BYTES=1-2", "items=1-2", "items=0-0",
    "", "=", "bytes=,", "bytes=,1-2", "bytes=1-2,", "bytes=1-2,,3-4", "bytes=1-2,3-4",
    "bytes=1-2, 3-4", "bytes=3-4,1-2", "bytes=1-5,2-3", "bytes=1-2,1-2", "bytes=0-0,-1",
    "bytes=0-,0-", "bytes=0-99,0-99", "bytes=0-49,50-99", "bytes=0-50,50-99", "bytes=1-2,200-300",
    "bytes=200-300,1-2", "bytes=200-300,400-500", "bytes=5-3,1-2", "bytes=1-2,5-3", "bytes=1-2,x",
    "bytes=1-2,-0", "bytes=-0,-0", "bytes=1-2,3-4,5-6,7-8,9-10,11-12,13-14,15-16,17-18,19-20",
    "bytes=18446744073709551615-", "bytes=9223372036854775807-", "bytes=9223372036854775808-",
    "bytes=0-9223372036854775807", "bytes=0-9223372036854775808", "bytes=0-99999999999999999999",
    "bytes=99999999999999999999-", "bytes=-9223372036854775807", "bytes=-9223372036854775808",
    "bytes=-99999999999999999999", "bytes=00000000000000000000001-2", "bytes=+1-2", "bytes=1.5-2",
    "bytes=1-2\u{0b}", "bytes=1-2/100", "none",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for range in RANGES {
        let field = format!("Range: {range}\r\n");
        for uri in
            ["/file.txt", "/one/file.txt", "/none/file.txt", "/empty.txt", "/page-416/file.txt"]
        {
            cases.push(Case::request("GET", uri, &field));
        }
        cases.push(Case::request("HEAD", "/file.txt", &field));
        for uri in ["/missing", "/dir/", "/dir", "/exact", "/added/file.txt", "/no-type"] {
            cases.push(Case::request("GET", uri, &field));
        }
        let bytes = format!("GET /file.txt HTTP/1.0\r\n{field}\r\n");
        cases.push(Case::new(format!("HTTP/1.0 {range}"), bytes));
        cases.push(Case::new(
            format!("HTTP/1.0 keep-alive {range}"),
            format!("GET /file.txt HTTP/1.0\r\nConnection: keep-alive\r\n{field}\r\n"),
        ));
    }
    for (count, size) in [(2, 1), (10, 1), (100, 1), (300, 1), (10, 1000), (290, 1000), (301, 1000)]
    {
        let parts: Vec<_> =
            (0..count).map(|at| format!("{}-{}", at * size, at * size + size - 1)).collect();
        let field = format!("Range: bytes={}\r\n", parts.join(","));
        for uri in ["/big.bin", "/file.txt"] {
            let name = format!("{uri}: {count} ranges of {size}");
            cases.push(Case { name, ..Case::request("GET", uri, &field) });
        }
    }
    cases.push(Case::request("GET", "/file.txt", "Range: bytes=1-2\r\nRange: bytes=5-6\r\n"));
    cases.push(Case::request("GET", "/file.txt", "range: bytes=1-2\r\n"));
    cases.extend(random());
    cases
}

/// Ranges of made-up parts, always the same ones.
fn random() -> impl Iterator<Item = Case> {
    const PARTS: &[&str] = &[
        "0",
        "1",
        "50",
        "99",
        "100",
        "101",
        "-",
        "-",
        "-",
        "-",
        ",",
        ",",
        " ",
        "x",
        "0-9",
        "-5",
        "90-",
        "9223372036854775807",
        "\t",
    ];
    let mut state = 1u64;
    (0..300).map(move |_| {
        let mut next = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut value = String::from("Range: bytes=");
        for _ in 0..next(7) + 1 {
            value.push_str(PARTS[next(PARTS.len())]);
        }
        value.push_str("\r\n");
        Case::request("GET", ["/file.txt", "/one/file.txt"][next(2)], &value)
    })
}
