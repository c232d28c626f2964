//! Writing descriptions. Elements stand in the order of the schema.

use super::model::{
    AdaptationSet, Addressing, Extent, Mpd, Period, Reference, Representation, Sort, UtcTiming,
};
use super::xml::{Element, Xml};
use crate::date::iso_8601;

const LIVE: &str = "urn:mpeg:dash:profile:isoff-live:2011";
const LOW_LATENCY: &str = ",http://www.dashif.org/guidelines/low-latency-live-v5";

impl Mpd {
    /// The document.
    pub fn render(&self) -> String {
        let mut xml = Xml::new();
        let mpd = xml.element("MPD").is("xmlns", "urn:mpeg:dash:schema:mpd:2011");
        let near = if self.latency.is_some() { LOW_LATENCY } else { "" };
        let mpd = mpd.is("profiles", format_args!("{LIVE}{near}"));
        let mpd = match self.extent {
            Extent::Recorded(_) => mpd.is("type", "static"),
            _ => self.live(mpd.is("type", "dynamic")),
        };
        let length = match self.extent {
            Extent::Live { .. } => None,
            Extent::Ended(length) | Extent::Recorded(length) => Some(duration(length)),
        };
        mpd.may("mediaPresentationDuration", length)
            .is("maxSegmentDuration", duration(self.max_segment))
            .is("minBufferTime", duration(self.min_buffer))
            .around(|xml| self.content(xml));
        xml.finish()
    }

    /// What recordings do not have.
    fn live<'x>(&self, mpd: Element<'x>) -> Element<'x> {
        let update = match self.extent {
            Extent::Live { update } => Some(duration(update)),
            _ => None,
        };
        let delay = Some(self.presentation_delay).filter(|delay| *delay > 0);
        mpd.is("availabilityStartTime", iso_8601(self.availability_start))
            .is("publishTime", iso_8601(self.publish_time))
            .may("minimumUpdatePeriod", update)
            .is("timeShiftBufferDepth", duration(self.time_shift))
            .may("suggestedPresentationDelay", delay.map(duration))
    }

    fn content(&self, xml: &mut Xml) {
        if let Some(latency) = &self.latency {
            xml.element("ServiceDescription").is("id", 0).around(|xml| {
                let element = xml.element("Latency").is("target", latency.target);
                element.is("min", latency.min).is("max", latency.max).empty();
            });
        }
        self.periods.iter().for_each(|period| period.render(xml));
        if let Some(timing) = &self.timing {
            utc(xml, timing);
        }
    }
}

fn utc(xml: &mut Xml, timing: &UtcTiming) {
    let element = xml.element("UTCTiming");
    match timing {
        UtcTiming::Http(location) => {
            element.is("schemeIdUri", "urn:mpeg:dash:utc:http-xsdate:2014").text("value", location)
        }
        UtcTiming::Direct(now) => {
            element.is("schemeIdUri", "urn:mpeg:dash:utc:direct:2014").is("value", iso_8601(*now))
        }
    }
    .empty();
}

impl Period {
    fn render(&self, xml: &mut Xml) {
        xml.element("Period")
            .text("id", &self.id)
            .is("start", duration(self.start))
            .may("duration", self.duration.map(duration))
            .around(|xml| self.sets.iter().for_each(|set| set.render(xml)));
    }
}

impl AdaptationSet {
    fn render(&self, xml: &mut Xml) {
        let (sort, kind) = match self.sort {
            Sort::Video => ("video", "video/mp4"),
            Sort::Audio => ("audio", "audio/mp4"),
        };
        let set = xml.element("AdaptationSet").is("id", self.id).is("contentType", sort);
        let set = match &self.language {
            Some(language) => set.text("lang", language),
            None => set,
        };
        let set = set.is("mimeType", kind).is("segmentAlignment", true);
        let set = set.may("startWithSAP", self.independent.then_some(1));
        set.around(|xml| {
            if let Some(reference) = &self.reference {
                producer(xml, self.id, reference);
            }
            self.template(xml);
            self.representations.iter().for_each(|one| one.render(xml, self.sort));
        });
    }

    fn template(&self, xml: &mut Xml) {
        let (number, length) = match self.addressing {
            Addressing::Timeline { start_number, .. } => (start_number, None),
            Addressing::Duration { start_number, duration } => (Some(start_number), Some(duration)),
        };
        let template = xml
            .element("SegmentTemplate")
            .is("timescale", self.timescale)
            .may("presentationTimeOffset", Some(self.offset).filter(|offset| *offset > 0))
            .text("initialization", &self.initialization)
            .text("media", &self.media)
            .may("startNumber", number)
            .may("duration", length)
            .may("availabilityTimeOffset", self.early.map(seconds))
            .may("availabilityTimeComplete", self.early.map(|_| false));
        match &self.addressing {
            Addressing::Duration { .. } => template.empty(),
            Addressing::Timeline { segments, .. } => template.around(|xml| {
                xml.element("SegmentTimeline").around(|xml| timeline(xml, segments));
            }),
        }
    }
}

/// Runs of segments of the same length that follow each other; the time is told of the first, and behind a gap.
fn timeline(xml: &mut Xml, segments: &[(u64, u64)]) {
    let mut end = None;
    let mut rest = segments;
    while let [(start, length), ..] = *rest {
        let follows = |two: &[(u64, u64)]| two[1] == (two[0].0.saturating_add(length), length);
        let more = rest.windows(2).take_while(|two| follows(two)).count();
        xml.element("S")
            .may("t", Some(start).filter(|start| end != Some(*start)))
            .is("d", length)
            .may("r", Some(more).filter(|more| *more > 0))
            .empty();
        end = Some(rest[more].0.saturating_add(length));
        rest = &rest[more + 1..];
    }
}

fn producer(xml: &mut Xml, id: u32, reference: &Reference) {
    xml.element("ProducerReferenceTime")
        .is("id", id)
        .is("inband", false)
        .is("type", "encoder")
        .is("wallClockTime", iso_8601(reference.wall))
        .is("presentationTime", reference.time)
        .empty();
}

impl Representation {
    fn render(&self, xml: &mut Xml, sort: Sort) {
        let (width, height) = self.size;
        let element = xml
            .element("Representation")
            .text("id", &self.id)
            .is("bandwidth", self.bandwidth)
            .text("codecs", &self.codecs)
            .may("width", Some(width).filter(|width| *width > 0))
            .may("height", Some(height).filter(|height| *height > 0))
            .may("frameRate", frame_rate(self.frame_rate))
            .may("audioSamplingRate", Some(self.rate).filter(|rate| *rate > 0));
        if sort == Sort::Video || self.channels == 0 {
            return element.empty();
        }
        element.around(|xml| {
            xml.element("AudioChannelConfiguration")
                .is("schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011")
                .is("value", self.channels)
                .empty();
        });
    }
}

/// A whole number, one of television's (29.97 is 30000/1001), or thousandths.
fn frame_rate(rate: f64) -> Option<String> {
    if !(rate > 0.0 && rate < 100_000.0) {
        return None;
    }
    let (whole, thousandths) = (rate.round(), (rate * 1000.0).round());
    if thousandths == whole * 1000.0 {
        return Some(format!("{whole}"));
    }
    let television = rate * 1.001;
    match (television - television.round()).abs() < 0.001 {
        true => Some(format!("{}/1001", television.round() * 1000.0)),
        false => Some(format!("{thousandths}/1000")),
    }
}

fn duration(ms: u64) -> String {
    format!("PT{}S", seconds(ms))
}

fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => (ms / 1000).to_string(),
        part => format!("{}.{part:03}", ms / 1000),
    }
}
