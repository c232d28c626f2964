//! Time: a coarse monotonic clock for deadlines, the wall clock for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of the monotonic clock. Only differences mean something.
pub fn monotonic_ms() -> u64 {
    monotonic_us() / 1000
}

/// Microseconds of the same clock.
pub fn monotonic_us() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec for the duration of the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// The moment of the same clock after so many milliseconds from now, as the kernel wants it.
pub fn monotonic_after(ms: u64) -> libc::timespec {
    let until = monotonic_us() + ms * 1000;
    libc::timespec {
        tv_sec: (until / 1_000_000) as libc::time_t,
        tv_nsec: (until % 1_000_000 * 1000) as libc::c_long,
    }
}

/// Time since 1970-01-01 UTC. A clock set before that counts as 1970.
pub fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Takes the time zone from the environment, which has changed.
pub fn read_time_zone() {
    unsafe extern "C" {
        // POSIX; the libc crate does not declare it.
        fn tzset();
    }
    // SAFETY: it reads the environment, which only the caller's one thread changes.
    unsafe { tzset() };
}

/// A moment taken apart in the local time zone (`localtime_r(3)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Full year, 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
    /// Minutes east of Greenwich.
    pub offset_minutes: i32,
}

/// Takes `seconds` since 1970 apart in the time zone of this process.
pub fn local(seconds: u64) -> Local {
    let time = seconds as libc::time_t;
    // SAFETY: an all-zero `tm` is a valid value (its only pointer, tm_zone, may be null).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call; localtime_r keeps neither.
    unsafe { libc::localtime_r(&time, &mut tm) };
    Local::of(&tm)
}

/// The same in Greenwich's.
pub fn greenwich(seconds: u64) -> Local {
    let time = seconds as libc::time_t;
    // SAFETY: an all-zero `tm` is a valid value.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: as above, of gmtime_r.
    unsafe { libc::gmtime_r(&time, &mut tm) };
    Local::of(&tm)
}

impl Local {
    fn of(tm: &libc::tm) -> Local {
        Local {
            year: tm.tm_year + 1900,
            month: (tm.tm_mon + 1) as u8,
            day: tm.tm_mday as u8,
            hour: tm.tm_hour as u8,
            minute: tm.tm_min as u8,
            second: tm.tm_sec as u8,
            offset_minutes: (tm.tm_gmtoff / 60) as i32,
        }
    }
}

/// Writes `seconds` since 1970 down as `strftime(3)` does, in the time zone of this process or in Greenwich's. `None`: it is
/// empty, or longer than two thousand bytes.
pub fn strftime(format: &std::ffi::CStr, seconds: u64, greenwich: bool) -> Option<Vec<u8>> {
    let time = seconds as libc::time_t;
    // SAFETY: an all-zero `tm` is a valid value (its only pointer, tm_zone, may be null).
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    let mut text = vec![0_u8; 2048];
    // SAFETY: the pointers are valid for the calls, which keep none; `text` is as long as is said, and `format` ends with a
    // zero.
    let len = unsafe {
        match greenwich {
            true => libc::gmtime_r(&time, &mut tm),
            false => libc::localtime_r(&time, &mut tm),
        };
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &tm)
    };
    text.truncate(len);
    (len > 0).then_some(text)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Local {
    /// `2026/11/21 23:18:00`, as the error log shows it.
    pub fn error_log(&self) -> String {
        let Local { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
    }

    /// `Nov 29 05:56:17` (RFC 3164, 4.1.2)
    pub fn syslog(&self) -> String {
        let month = MONTHS[usize::from(self.month.clamp(1, 12)) - 1];
        let Local { day, hour, minute, second, .. } = self;
        format!("{month} {day:2} {hour:02}:{minute:02}:{second:02}")
    }

    /// `21/Nov/2026:23:18:00 +0000`, as the access log shows it (`$time_local`).
    pub fn access_log(&self) -> String {
        let month = MONTHS[usize::from(self.month.clamp(1, 12)) - 1];
        format!(
            "{:02}/{month}/{}:{:02}:{:02}:{:02} {}",
            self.day,
            self.year,
            self.hour,
            self.minute,
            self.second,
            self.zone("")
        )
    }

    /// `2026-11-21T23:18:00+00:00` (`$time_iso8601`).
    pub fn iso8601(&self) -> String {
        let Local { year, month, day, hour, minute, second, .. } = self;
        let zone = self.zone(":");
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    }

    fn zone(&self, between: &str) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.abs();
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_times_have_their_shapes() {
        let time = Local {
            year: 2026,
            month: 11,
            day: 2,
            hour: 3,
            minute: 4,
            second: 5,
            offset_minutes: -210,
        };
        assert_eq!(time.error_log(), "2026/11/02 03:04:05");
        assert_eq!(time.access_log(), "02/Nov/2026:03:04:05 -0330");
        assert_eq!(time.iso8601(), "2026-11-02T03:04:05-03:30");
    }

    #[test]
    fn monotonic_time_does_not_go_back() {
        let before = monotonic_ms();
        assert!(monotonic_ms() >= before);
    }
}
