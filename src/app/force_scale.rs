//! Storage of the force sensor's scale in the store, for the room `sensor`, which does not name the store.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::files;
use crate::sensor::Scale;
use crate::sensor::scale::{SaveFuture, ScaleStore, SensorKind};
use crate::store::{ForceScale, StateChange, Store};

/// File of older versions for the scale, in the state folder.
const FILE: &str = "force-scale.json";
const FILE_VERSION: u32 = 1;

/// Scale storage for one kind of sensor. The scale of another kind is ignored.
pub struct StoredScale {
    /// The store.
    pub store: Store,
    /// The kind of sensor.
    pub kind: SensorKind,
}

impl ScaleStore for StoredScale {
    fn scale(&self) -> Option<Scale> {
        let state = self.store.state();
        let kept = state.force_scale.as_ref().filter(|kept| kept.sensor == self.kind.name())?;
        Some(Scale { zero: kept.zero, per_g: kept.per_g })
    }

    fn save(&self, Scale { zero, per_g }: Scale) -> SaveFuture<'_> {
        let scale = ForceScale { sensor: self.kind.name().to_owned(), zero, per_g };
        Box::pin(async move {
            self.store.save(StateChange::ForceScale(scale)).await.map_err(|error| error.to_string())
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldScaleFile {
    version: u32,
    sensor: String,
    scale: OldScale,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldScale {
    zero: Option<f64>,
    per_g: Option<f64>,
}

/// Imports the file of an older version into the store, and removes it when that is durable. If the store has a scale
/// already, that one is newer.
pub async fn import_old_file(store: &Store, state_dir: &Path) {
    let file = state_dir.join(FILE);
    let taken = match files::read_regular(&file, files::BY_HAND_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => Err(error.to_string()),
        Ok(_) if store.state().force_scale.is_some() => Ok(()),
        Ok(bytes) => match parse(&bytes) {
            Ok(scale) => store.save(StateChange::ForceScale(scale)).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        },
    };
    match taken.and_then(|()| fs::remove_file(&file).map_err(|error| error.to_string())) {
        Ok(()) => tracing::info!("the force sensor's scale is in the store from now on, not in {FILE}"),
        Err(why) => {
            let file = file.display();
            tracing::warn!(
                "the force sensor's scale cannot be taken from {file}: {why}; tare and calibrate again"
            );
        }
    }
}

fn parse(bytes: &[u8]) -> Result<ForceScale, String> {
    let OldScaleFile { version, sensor, scale: OldScale { zero, per_g } } =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if version != FILE_VERSION {
        return Err(format!("version {version} is not known"));
    }
    Ok(ForceScale { sensor, zero, per_g })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn keeper(store: &Store, kind: SensorKind) -> StoredScale {
        StoredScale { store: store.clone(), kind }
    }

    #[test]
    fn a_scale_belongs_to_its_kind_of_sensor_and_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        for scale in [
            Scale::default(),
            Scale { zero: Some(-12_345.0), per_g: None },
            Scale { zero: Some(0.1), per_g: Some(-417.123_456_789) },
        ] {
            let (store, _) = Store::open(folder.path()).unwrap();
            block_on(keeper(&store, SensorKind::Uart).save(scale)).unwrap();
            drop(store);
            let (store, _) = Store::open(folder.path()).unwrap();
            assert_eq!(keeper(&store, SensorKind::Uart).scale(), Some(scale));
            assert_eq!(keeper(&store, SensorKind::I2c).scale(), None);
        }
        let (store, _) = Store::open(folder.path()).unwrap();
        let zero = Scale { zero: Some(1.0), per_g: Some(0.0) };
        assert!(block_on(keeper(&store, SensorKind::Uart).save(zero)).unwrap_err().contains("per_g"));
    }

    #[test]
    fn the_file_of_an_older_version_is_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let text = |zero: f64| {
            format!(r#"{{"version":1,"sensor":"uart","scale":{{"zero":{zero:?},"per_g":-417.5}}}}"#)
        };
        let (store, _) = Store::open(folder.path()).unwrap();
        // Nothing to take.
        block_on(import_old_file(&store, folder.path()));
        assert_eq!(keeper(&store, SensorKind::Uart).scale(), None);
        for wrong in [
            "",
            "{}",
            r#"{"version":2,"sensor":"uart","scale":{"zero":null,"per_g":null}}"#,
            r#"{"version":1,"sensor":"uart","scale":{"zero":1,"per_g":0}}"#,
            r#"{"version":1,"sensor":"uart","scale":{"zero":1,"per_g":1,"x":1}}"#,
        ] {
            fs::write(&file, wrong).unwrap();
            block_on(import_old_file(&store, folder.path()));
            assert_eq!(keeper(&store, SensorKind::Uart).scale(), None, "{wrong}");
            assert!(file.exists(), "what cannot be taken over is kept");
        }
        fs::write(&file, text(5.0)).unwrap();
        block_on(import_old_file(&store, folder.path()));
        let scale = Scale { zero: Some(5.0), per_g: Some(-417.5) };
        assert_eq!((keeper(&store, SensorKind::Uart).scale(), file.exists()), (Some(scale), false));
        // The process died before it removed the file, and the sensor was tared since.
        fs::write(&file, text(9.0)).unwrap();
        block_on(import_old_file(&store, folder.path()));
        assert_eq!((keeper(&store, SensorKind::Uart).scale(), file.exists()), (Some(scale), false));
    }
}
