//! A `Chain` is the bytes it was given, in order, however they are taken out.

use mem::{Buf, Chain, Str};
use proptest::prelude::*;
use std::fs::File;
use std::io::{IoSlice, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A nameless file whose byte at `i` is `i % 251`.
fn file() -> Rc<File> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("chain-{}-{count}", std::process::id()));
    let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let bytes: Vec<u8> = (0..4096u32).map(|i| (i % 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    Rc::new(file)
}

fn read(file: &File, offset: u64, len: u64) -> Vec<u8> {
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, offset).unwrap();
    bytes
}

fn all(chain: &Chain) -> Vec<u8> {
    let bytes = |buf: &Buf| match buf {
        Buf::Memory(bytes) => bytes.to_vec(),
        Buf::File(window) => read(&window.file, window.offset, window.len),
    };
    chain.iter().flat_map(bytes).collect()
}

#[derive(Clone, Debug)]
enum Piece {
    Memory(Vec<u8>),
    File(u64, u64),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Piece::Memory),
        (0u64..1000, 0u64..100).prop_map(|(offset, len)| Piece::File(offset, len)),
    ];
    prop::collection::vec(piece, 0..12)
}

fn chain(pieces: Vec<Piece>, file: &Rc<File>) -> (Chain, Vec<u8>) {
    let (mut chain, mut model) = (Chain::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Memory(bytes) => {
                model.extend(&bytes);
                chain.push_str(Str::from(bytes));
            }
            Piece::File(offset, len) => {
                model.extend(read(file, offset, len));
                chain.push(Buf::file(file.clone(), offset, len));
            }
        }
    }
    (chain, model)
}

proptest! {
    #[test]
    fn a_writer_sees_every_byte_once(pieces in pieces(), steps in prop::collection::vec(1usize..70, 1..40)) {
        let (mut chain, model) = chain(pieces, &file());
        let (mut sent, mut steps) = (Vec::new(), steps.into_iter().cycle());
        while !chain.is_empty() {
            let max = steps.next().unwrap();
            let before = sent.len();
            if let Some((file, offset, len)) = chain.front_file() {
                sent.extend(read(file, offset, len.min(max as u64)));
            } else {
                let mut out = [IoSlice::new(&[]); 3];
                let used = chain.memory_prefix(&mut out, max);
                prop_assert!(used > 0);
                out[..used].iter().for_each(|slice| sent.extend_from_slice(slice));
            }
            prop_assert!(sent.len() > before && sent.len() - before <= max);
            chain.advance((sent.len() - before) as u64);
            prop_assert_eq!(chain.len(), (model.len() - sent.len()) as u64);
        }
        prop_assert_eq!(sent, model);
    }

    #[test]
    fn slices_and_appends(a in pieces(), b in pieces(), offset in 0u64..900, len in 0u64..900) {
        let file = file();
        let (mut a, mut model) = chain(a, &file);
        let (mut b, tail) = chain(b, &file);
        a.append(&mut b);
        model.extend(tail);
        prop_assert!(b.is_empty());
        prop_assert_eq!(all(&a), model.clone());
        let part: Vec<u8> =
            model.iter().copied().skip(offset as usize).take(len as usize).collect();
        let slice = a.slice(offset, len);
        prop_assert_eq!(slice.len(), part.len() as u64);
        prop_assert_eq!(all(&slice), part);
    }
}

#[test]
fn a_file_stays_open_while_a_window_is_queued() {
    let file = file();
    let mut chain = Chain::new();
    chain.push(Buf::file(file.clone(), 10, 5));
    assert_eq!(Rc::strong_count(&file), 2);
    chain.clear();
    assert_eq!(Rc::strong_count(&file), 1);
    let mut first = [0];
    (&*file).read_exact(&mut first).unwrap();
}
