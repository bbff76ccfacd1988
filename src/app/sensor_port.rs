//! Force sensor port: the sensor's service behind the API's port, with its status as the API's document.

use crate::api::documents::sensor::{
    BoardLogCounts, ForceSensorDocument, LinkFrameCounts, LostSampleCounts, ScaleResult, SensorBoardDocument,
    TareResult,
};
use crate::api::port::{BoxFuture, ForceSensorPort, LoadCellRefusal};
use crate::api::problem::ProblemCode;
use crate::sensor::SampleError;
use crate::sensor::report::{BoardReport, LogReport};
use crate::sensor::service::{CalibrationOutcome, SensorRefusal, SensorService, SensorStatus, TareOutcome};

impl ForceSensorPort for SensorService {
    fn status(&self) -> ForceSensorDocument {
        document(self.status())
    }

    fn tare(&self, confirmed: bool) -> BoxFuture<'_, Result<TareResult, LoadCellRefusal>> {
        Box::pin(async move {
            let TareOutcome { zero, was_g } = self.tare(confirmed).await.map_err(refusal)?;
            Ok(TareResult { zero, was_g })
        })
    }

    fn calibrate(&self, weight_g: f64) -> BoxFuture<'_, Result<ScaleResult, LoadCellRefusal>> {
        Box::pin(async move {
            let outcome = self.calibrate(weight_g).await.map_err(refusal)?;
            let CalibrationOutcome { zero, per_g, kind, noise_g } = outcome;
            Ok(ScaleResult { zero, reading_per_g: per_g, reading_unit: kind.unit(), noise_g })
        })
    }

    fn lost_samples(&self) -> Vec<(&'static str, u64)> {
        self.lost_samples()
    }

    fn reload_scale(&self) {
        self.reload_scale();
    }
}

fn refusal(refused: SensorRefusal) -> LoadCellRefusal {
    let code = match refused {
        SensorRefusal::Moving => ProblemCode::Moving,
        SensorRefusal::NoReadings(_) => ProblemCode::NoReadings,
        SensorRefusal::Unsteady(_) => ProblemCode::Unsteady,
        SensorRefusal::Load(_) => ProblemCode::LoadPresent,
        SensorRefusal::LoadUnknown => ProblemCode::LoadUnknown,
        SensorRefusal::NotTared => ProblemCode::NotTared,
        SensorRefusal::NoDifference(_) => ProblemCode::NoDifference,
        SensorRefusal::Weight(_) => ProblemCode::WeightOutOfRange,
        SensorRefusal::NotKept(_) => ProblemCode::NotKept,
        SensorRefusal::NotConfirmed => ProblemCode::NotConfirmed,
    };
    LoadCellRefusal { code, why: refused.to_string() }
}

fn document(status: SensorStatus) -> ForceSensorDocument {
    let remedy = status.remedy();
    let SensorStatus { kind, device, rules, state, at } = status;
    let LogReport { said, undecoded, suppressed } = state.logs;
    ForceSensorDocument {
        sensor: kind.name(),
        device,
        link: state.link.name(),
        remedy,
        link_age_ms: state.link_age_ms(at),
        sample_age_ms: state.sample_age_ms(at),
        trouble: state.trouble,
        force_g: state.force_g,
        reading: state.reading,
        rate_hz: state.rate_hz,
        zero: state.scale.zero,
        reading_per_g: state.scale.per_g,
        reading_unit: kind.unit(),
        inverted: rules.invert,
        range_g: rules.range_g,
        board: state.board.map(|BoardReport { protocol, firmware, serial }| SensorBoardDocument {
            protocol,
            firmware,
            serial,
        }),
        samples: state.samples,
        frames: LinkFrameCounts { good: state.good_frames, garbled: state.garbled },
        opened: state.opened,
        last_lost: state.last_lost.map(SampleError::name),
        lost: lost(state.lost),
        log: BoardLogCounts { said, undecoded, suppressed },
    }
}

/// Counters in the order of [`SampleError::ALL`].
fn lost(counts: [u64; SampleError::ALL.len()]) -> LostSampleCounts {
    let [not_finite, out_of_range, too_fast, stuck, saturated, unscaled, silent, frozen, unknown] = counts;
    LostSampleCounts {
        not_finite,
        out_of_range,
        too_fast,
        stuck,
        saturated,
        unscaled,
        silent,
        frozen,
        unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sensor::report::{LinkState, SensorState};
    use crate::sensor::{SampleLimits, Scale, SensorKind};

    fn status(state: SensorState) -> SensorStatus {
        SensorStatus {
            kind: SensorKind::Uart,
            device: "/dev/serial0".to_owned(),
            rules: SampleLimits { range_g: 5_000.0, fastest_g_per_s: 1e6, invert: true },
            state,
            at: 5_000_000_000,
        }
    }

    #[test]
    fn the_document_shows_the_whole_state() {
        let state = SensorState {
            link: LinkState::OtherVersion,
            trouble: Some("gone".to_owned()),
            board: Some(BoardReport { protocol: 2, firmware: Some([1, 2, 3]), serial: None }),
            rate_hz: Some(80.0),
            scale: Scale { zero: Some(-5.0), per_g: Some(0.25) },
            force_g: Some(0.5),
            reading: Some(7.0),
            sample_at: Some(4_000_000_000),
            heard_at: Some(4_999_000_000),
            samples: 10,
            good_frames: 11,
            garbled: 12,
            opened: 13,
            last_lost: Some(SampleError::TooFast),
            lost: [1, 2, 3, 4, 5, 6, 7, 8, 9],
            logs: LogReport { said: 14, undecoded: 15, suppressed: 16 },
        };
        // The text, as the order of the keys is a part of it.
        assert_eq!(
            serde_json::to_string(&document(status(state))).unwrap(),
            json!({
                "sensor": "uart",
                "device": "/dev/serial0",
                "link": "other_version",
                "remedy": LinkState::OtherVersion.remedy(),
                "trouble": "gone",
                "link_age_ms": 1,
                "sample_age_ms": 1_000,
                "force_g": 0.5,
                "reading": 7.0,
                "rate_hz": 80.0,
                "zero": -5.0,
                "reading_per_g": 0.25,
                "reading_unit": "counts",
                "inverted": true,
                "range_g": 5_000.0,
                "board": { "protocol": 2, "firmware": [1, 2, 3], "serial": null },
                "samples": 10,
                "frames": { "good": 11, "garbled": 12 },
                "opened": 13,
                "last_lost": "too_fast",
                "lost": {
                    "not_finite": 1, "out_of_range": 2, "too_fast": 3, "stuck": 4, "saturated": 5, "unscaled": 6,
                    "silent": 7, "frozen": 8, "unknown": 9,
                },
                "log": { "said": 14, "undecoded": 15, "suppressed": 16 },
            })
            .to_string()
        );
    }

    #[test]
    fn a_lost_sample_is_counted_under_its_name() {
        for why in SampleError::ALL {
            let mut counts = [0; SampleError::ALL.len()];
            counts[why as usize] = 1;
            let lost: Value = serde_json::to_value(lost(counts)).unwrap();
            assert_eq!(lost[why.name()], 1, "{lost}");
        }
    }
}
