//! What is a command, and what is text.

use crate::{all_same, both, same};

const PAGES: &[&[u8]] = &[
    b"",
    b"no command",
    b"a<!--#echo var=\"uri\"-->b",
    b"a<!--# echo var=\"uri\" -->b",
    b"a<!--#\r\n\techo\r\n\tvar = 'uri'\n-->b",
    b"a<!--#echo var='uri' default=\"x\"-->b",
    b"a<!--#echo var=\"uri\"",
    b"a<!--#echo var=\"uri\" --",
    b"a<!--#echo var=\"uri\" -- >b-->c",
    b"a<!--#echo var=\"uri\" --->b-->c",
    b"a<!--#echo var=\"uri\" -x->b-->c",
    b"a<!-- comment -->b",
    b"a<!---#echo var=\"uri\"-->b",
    b"a<<!--#echo var=\"uri\"-->b",
    b"a<!<!--#echo var=\"uri\"-->b",
    b"a<!-<!--#echo var=\"uri\"-->b",
    b"a<!--<!--#echo var=\"uri\"-->b",
    b"a<!--<b<!-<!<",
    b"a<",
    b"a<!",
    b"a<!-",
    b"a<!--",
    b"a<!--#",
    b"a<!--#-->b",
    b"a<!--# -->b",
    b"a<!--#unknown-->b",
    b"a<!--#Echo var=\"uri\"-->b",
    b"a<!--#echo-->b",
    b"a<!--#echo var-->b",
    b"a<!--#echo var x=\"uri\"-->b",
    b"a<!--#echo var=uri-->b",
    b"a<!--#echo var= -->b-->c",
    b"a<!--#echo var=\"uri\"x-->b",
    b"a<!--#echo var=\"uri\"default='x'-->b",
    b"a<!--#echo v-ar=\"uri\"-->b",
    b"a<!--#echo var -=\"uri\"-->b-->c",
    b"a<!--#echo var--->b-->c",
    b"a<!--#echo var=\"uri\" var=\"args\"-->b",
    b"a<!--#echo other=\"uri\"-->b",
    b"a<!--#echo name=\"uri\" default=\"\"-->b",
    b"a<!--#echo VAR=\"uri\"-->b",
    b"a<!--#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-->b",
    b"a<!--#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-->b",
    b"a<!--#echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\"x\"-->b",
    b"a<!--#echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\"x\"-->b",
    b"a<!--#set var='x' value=\"it's\"--><!--#echo var='x'-->b",
    b"a<!--#set var='x' value='say \"it\"'--><!--#echo var='x'-->b",
    b"a<!--#set var='x' value='a\\'b\\\\c\\\"d\\$e\\f'--><!--#echo var='x'-->b",
    b"a<!--#set var='x' value='a\\'--><!--#echo var='x'-->b'-->c",
    b"a<!--#set var='x' value='a-->b'--><!--#echo var='x'-->b",
    b"a<!--#set var='x' value='a\0b'--><!--#echo var='x'-->b",
    b"\xff\xfe<!--#set var='x' value='\xe9\xff'--><!--#echo var='x'-->\x80",
    b"a<!--#echo a='1' b='1' c='1' d='1' e='1' f='1' g='1' h='1' i='1' j='1' k='1' l='1' m='1' n='1' o='1' p='1'-->b",
    b"a<!--#echo a='1' b='1' c='1' d='1' e='1' f='1' g='1' h='1' i='1' j='1' k='1' l='1' m='1' n='1' o='1' p='1' q='1'-->b",
];

#[test]
fn commands_are_found_as_by_nginx() {
    let bodies = all_same(PAGES);
    assert_eq!(bodies[2], "a/2.htmlb");
}

#[test]
fn values_are_as_long_as_they_may_be() {
    let value = |len: usize| {
        format!("a<!--#set var='x' value='{}'-->b<!--#echo var='x'-->c", "v".repeat(len))
    };
    let pages = [value(19), value(20), value(21), value(255), value(256), value(257)];
    let names = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}.html"));
    let files: Vec<_> =
        names.iter().zip(&pages).map(|(name, page)| (&name[..], page.as_bytes())).collect();
    let (server, twin) = both(&files);
    for name in &names {
        same(&server, &twin, &format!("/{name}"));
        same(&server, &twin, &format!("/short/{name}"));
    }
}
