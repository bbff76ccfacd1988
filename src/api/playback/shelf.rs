//! The shelf: the library of scripts, on threads that may wait for the disk.

use std::sync::Arc;

use crate::api::answer::{self, Rejection};
use crate::api::problem::ProblemCode;
use crate::scripts::library::{LibraryError, ScriptEntry, ScriptList};
use crate::scripts::{Library, Script};

/// The library, if there is a folder for it.
#[derive(Debug, Clone, Default)]
pub struct ScriptShelf(Option<Arc<Library>>);

impl ScriptShelf {
    /// The shelf of that library.
    #[must_use]
    pub fn of(library: Library) -> ScriptShelf {
        ScriptShelf(Some(Arc::new(library)))
    }

    /// All scripts.
    ///
    /// # Errors
    /// 503 when the folder cannot be read.
    pub async fn list(&self) -> Result<ScriptList, Rejection> {
        self.with(|library| Ok(library.list()?)).await
    }

    /// The script of that name.
    ///
    /// # Errors
    /// 404, 422 for one that cannot be played, 503.
    pub async fn load(&self, name: &str) -> Result<Arc<Script>, Rejection> {
        let name = name.to_owned();
        self.with(move |library| library.get(&name)).await.map(Arc::new)
    }

    /// The file of the script of that name.
    ///
    /// # Errors
    /// 404, 503.
    pub async fn bytes(&self, name: &str) -> Result<Vec<u8>, Rejection> {
        let name = name.to_owned();
        self.with(move |library| library.bytes(&name)).await
    }

    /// Puts a script, in place of one of that name.
    ///
    /// # Errors
    /// 422 with the place of what is wrong, 409 when there is no room, 503; then nothing has changed.
    pub async fn put(&self, name: &str, bytes: bytes::Bytes) -> Result<ScriptEntry, Rejection> {
        let name = name.to_owned();
        self.with(move |library| library.put(&name, &bytes)).await
    }

    /// Removes the script of that name.
    ///
    /// # Errors
    /// 404, 503.
    pub async fn remove(&self, name: &str) -> Result<(), Rejection> {
        let name = name.to_owned();
        self.with(move |library| library.remove(&name)).await
    }

    /// The script for what a video player plays: the one of that name, else the first of its variants.
    pub async fn for_media(&self, media: &str) -> Option<(String, Arc<Script>)> {
        let media = media.to_owned();
        let found = self.with(move |library| {
            let names = library.for_media(&media)?;
            let name = names.into_iter().next().ok_or(LibraryError::Unknown)?;
            let script = library.get(&name)?;
            Ok((name, Arc::new(script)))
        });
        found.await.ok()
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Library) -> Result<T, LibraryError> + Send + 'static,
    ) -> Result<T, Rejection> {
        let Some(library) = self.0.clone() else {
            let why = "this machine keeps no scripts: it runs without a state folder";
            return Err(answer::refuse(ProblemCode::NotStored, why));
        };
        match tokio::task::spawn_blocking(move || act(&library)).await {
            Ok(done) => done.map_err(|error| refusal(&error)),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn refusal(error: &LibraryError) -> Rejection {
    let why = error.to_string();
    match error {
        LibraryError::Name(_) => answer::unprocessable(&[answer::senseless("path", "name", why)]),
        LibraryError::Unknown => answer::refuse(ProblemCode::UnknownScript, why),
        LibraryError::Broken(_) => answer::refuse(ProblemCode::InvalidScript, why),
        LibraryError::TooMany | LibraryError::TooLarge => answer::refuse(ProblemCode::NoRoom, why),
        LibraryError::System(error) => {
            tracing::error!(%error, "the folder of scripts cannot be used");
            answer::refuse(ProblemCode::NotStored, why)
        }
    }
}
