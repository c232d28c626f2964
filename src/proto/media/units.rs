//! NAL units, as FLV and MP4 have them (ISO 14496-15 §5.3.4.2): in a frame, and the parameter sets of a sequence header.
//!
//! ```text
//! frame  ( length (1, 2 or 4) unit )*
//! avcC   1 profile compatibility level FC|(length size - 1) E0|count  ( length (2) SPS )*  count ( length (2) PPS )*
//! hvcC   22 bytes; the last: …|(length size - 1)  arrays  ( …|type count (2) ( length (2) unit )* )*
//! ```

/// The units of a frame. Empty ones are left out; one that is longer than what is there ends the frame.
#[derive(Clone, Debug)]
pub struct Units<'a> {
    rest: &'a [u8],
    length_size: usize,
}

impl<'a> Units<'a> {
    /// Those of a frame whose lengths have `length_size` bytes, 1 to 4.
    pub fn of(frame: &'a [u8], length_size: u8) -> Units<'a> {
        Units { rest: frame, length_size: length_size.clamp(1, 4).into() }
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (length, rest) = self.rest.split_at_checked(self.length_size)?;
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            let (unit, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    }
}

/// Which sequence header the sets are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Avc,
    Hevc,
}

/// The parameter sets of a sequence header, in its order.
#[derive(Clone, Debug)]
pub struct Sets<'a> {
    rest: &'a [u8],
    record: Record,
    /// Lists that have not begun, and units that are left of the one that has.
    lists: u8,
    left: u16,
}

impl<'a> Sets<'a> {
    /// Those of an AVCDecoderConfigurationRecord.
    pub fn of_avc(record: &'a [u8]) -> Sets<'a> {
        let first = record.get(5).map_or(0, |count| count & 0x1F);
        let rest = record.get(6..).unwrap_or_default();
        Sets { rest, record: Record::Avc, lists: 1, left: first.into() }
    }

    /// Those of an HEVCDecoderConfigurationRecord.
    pub fn of_hevc(record: &'a [u8]) -> Sets<'a> {
        let lists = record.get(22).copied().unwrap_or(0);
        Sets { rest: record.get(23..).unwrap_or_default(), record: Record::Hevc, lists, left: 0 }
    }

    /// None at all.
    pub fn none() -> Sets<'a> {
        Sets { rest: &[], record: Record::Avc, lists: 0, left: 0 }
    }

    fn begin_list(&mut self) -> Option<()> {
        self.lists = self.lists.checked_sub(1)?;
        match self.record {
            Record::Avc => {
                let (count, rest) = self.rest.split_first()?;
                (self.left, self.rest) = (u16::from(*count), rest);
            }
            Record::Hevc => {
                let (&[_, high, low], rest) = self.rest.split_first_chunk()?;
                (self.left, self.rest) = (u16::from_be_bytes([high, low]), rest);
            }
        }
        Some(())
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.left == 0 {
            self.begin_list()?;
        }
        self.left -= 1;
        let (length, rest) = self.rest.split_first_chunk()?;
        let (unit, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        self.rest = rest;
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(frame: &[u8], size: u8) -> Vec<&[u8]> {
        Units::of(frame, size).collect()
    }

    #[test]
    fn of_frames() {
        assert_eq!(units(b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c", 4), [&b"ab"[..], b"c"]);
        assert_eq!(units(b"\x02ab\0\x01c\x09", 1), [&b"ab"[..], b"c"]);
        assert_eq!(units(b"\0\x01a\0\x02c", 2), [&b"a"[..]]);
        assert_eq!(units(b"\xff\xff\xff\xffabc", 4), [&b""[..]; 0]);
        assert_eq!(units(b"\0\0\0", 4), [&b""[..]; 0]);
    }

    #[test]
    fn of_records() {
        let avc = b"\x01\x64\0\x1f\xff\xe2\0\x01a\0\x02bc\x01\0\x01d\xfd\xf8\xf8\0";
        assert_eq!(Sets::of_avc(avc).collect::<Vec<_>>(), [&b"a"[..], b"bc", b"d"]);
        let hevc = [&[1; 22][..], b"\x02\x20\0\x01\0\x01v\x21\0\x02\0\x01s\0\x02tu"].concat();
        assert_eq!(Sets::of_hevc(&hevc).collect::<Vec<_>>(), [&b"v"[..], b"s", b"tu"]);
        for end in 0..hevc.len() {
            assert!(Sets::of_hevc(&hevc[..end]).count() < 3);
        }
        for end in 0..avc.len() - 4 {
            assert!(Sets::of_avc(&avc[..end]).count() < 3);
        }
    }
}
