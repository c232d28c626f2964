//! stub
#![allow(missing_docs)]
pub const VIDEO_TIMESCALE: u32 = 90_000;
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub size: u32,
    pub duration: u32,
    pub cts: i32,
    pub key: bool,
}
pub fn fragment_head(_: &mut Vec<u8>, _: u32, _: u32, _: u64, _: &[Sample], _: usize, _: bool) {}
pub fn video_init(_: &crate::media::VideoTrack) -> Option<Vec<u8>> {
    None
}
pub fn audio_init(_: &crate::media::AudioTrack) -> Option<Vec<u8>> {
    None
}
pub fn movie_init(
    _: Option<&crate::media::VideoTrack>,
    _: Option<&crate::media::AudioTrack>,
) -> Option<Vec<u8>> {
    None
}
