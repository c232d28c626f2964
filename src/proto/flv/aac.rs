//! What an AAC stream is (ISO 14496-3 §1.6.2.1, AudioSpecificConfig).
//!
//! ```text
//! type (5; 31: 32 + 6 more) rate (4; 15: 24 more) channels (4)
//!     type 5 or 29: rate (4; 15: 24 more) type (5; 31: 32 + 6 more)
//! types 1 to 4, 6, 7, 17, 19 to 23: short frames (1) …
//! ```

use crate::bits::Bits;

/// An AAC stream's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The audio object type: 2 is AAC-LC.
    pub profile: u8,
    /// Samples a second, those that spectral band replication adds included.
    pub rate: u32,
    /// The same without these.
    pub core_rate: u32,
    /// Loudspeakers; 0: the stream itself tells.
    pub channels: u8,
    /// channelConfiguration, the number by which that is told.
    pub layout: u8,
    /// Spectral band replication (HE-AAC) is announced.
    pub sbr: bool,
    /// Parametric stereo (HE-AAC v2) is announced.
    pub ps: bool,
    /// A frame has 960 samples, and not 1024.
    pub short: bool,
}

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

const CHANNELS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0];

const SBR: u8 = 5;
const PS: u8 = 29;

impl Config {
    /// Reads an AudioSpecificConfig; `None`: it is too short, or has a rate that is reserved.
    pub fn of(config: &[u8]) -> Option<Config> {
        let mut bits = Bits::new(config);
        let mut profile = object_type(&mut bits)?;
        let mut rate = sample_rate(&mut bits)?;
        let core_rate = rate;
        let layout = bits.number(4)? as u8;
        let (sbr, ps) = (profile == SBR || profile == PS, profile == PS);
        if sbr {
            rate = sample_rate(&mut bits)?;
            profile = object_type(&mut bits)?;
        }
        let general = matches!(profile, 1..=4 | 6 | 7 | 17 | 19..=23);
        let short = general && bits.flag().unwrap_or(false);
        let channels = CHANNELS[usize::from(layout)];
        Some(Config { profile, rate, core_rate, channels, layout, sbr, ps, short })
    }

    /// Samples of a frame, at `rate`.
    pub fn samples(&self) -> u32 {
        let core = if self.short { 960 } else { 1024 };
        // Replication doubles the rate, or leaves it and only fills the upper half.
        if self.rate > self.core_rate { 2 * core } else { core }
    }

    /// The profile's name, as nginx-rtmp's pages have it; empty: another one.
    pub fn profile_name(&self) -> &'static str {
        match self.profile {
            1 => "Main",
            2 => "LC",
            3 => "SSR",
            4 => "LTP",
            5 => "SBR",
            _ => "",
        }
    }
}

fn object_type(bits: &mut Bits<'_>) -> Option<u8> {
    let value = match bits.number(5)? {
        31 => 32 + bits.number(6)?,
        value => value,
    };
    u8::try_from(value).ok()
}

fn sample_rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.number(4)? {
        15 => bits.number(24),
        index => RATES.get(index as usize).copied(),
    }
}
