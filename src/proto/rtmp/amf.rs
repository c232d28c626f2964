//! Values as ActionScript has them (AMF0 specification, 2006).
//!
//! ```text
//! 00 number (8)                    08 count (4) members        ECMA array
//! 01 boolean (1)                   0A count (4) values         strict array
//! 02 length (2) string             0B milliseconds (8) zone (2)
//! 03 members                       0C length (4) long string
//! 05 null                          0D unsupported
//! 06 undefined                     0F length (4) XML document
//! 07 reference (2)                 10 length (2) class name, members
//!                                  11 a value in AMF3
//! members: ( length (2) name, value )* 00 00 09
//! ```
//!
//! Numbers are big endian. 04 and 0E are reserved; nobody sends them.
//!
//! Values borrow what they can from the message. One message has a bounded depth and a bounded number
//! of values, so that it cannot ask for more memory than a multiple of its own size.

mod amf3;
mod decode;
mod decoder;
mod encode;
mod tables;
mod value;

pub use decoder::{DEPTH, Decoder, Error, VALUES};
pub use encode::{boolean, null, number, object, string, undefined};
pub use value::Value;
