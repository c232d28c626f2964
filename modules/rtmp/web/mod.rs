//! What of live video is seen through HTTP: streams as FLV, figures, an operator's commands.

pub mod admit;
pub mod control;
pub mod directives;
pub mod flv;
pub mod json;
pub mod picture;
pub mod playing;
pub mod stat;
pub mod verdicts;
pub mod viewer;
pub mod xml;
