//! `/api/wave/get` and `/api/wave/run`: the points of a wave for drawing, and its start.

use hyper::StatusCode;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::budget::Share;
use crate::api::content::Content;
use crate::api::float_text;
use crate::api::request::RoutedRequest;
use crate::api::wave_requests::{WaveRequests, WaveStart};
use crate::wave::points::Points;

/// An answer of up to so many points is written whole.
const WHOLE_POINTS: usize = 8 * 1024;
/// Points of a piece of a longer answer.
const PIECE_POINTS: usize = 2 * 1024;

/// The points of the wave, as the clients draw them. A long answer is written by `workers`.
///
/// # Errors
/// 400 and 422.
pub async fn get(waves: &WaveRequests, workers: &Handle, request: RoutedRequest) -> HandlerResult {
    let (points, share) = waves.points(request.strictness, request.body.json()?.as_ref()).await?;
    Ok(match points {
        Points::Sine(positions) | Points::Other(positions) => {
            drawn(workers, positions, share, float_text::push_all)
        }
        Points::Square(positions) => drawn(workers, positions, share, push_integers),
    })
}

/// Appends the positions as JSON, with a comma behind each.
type PushAll<T> = fn(&mut Vec<u8>, &[T]);

/// An answer with the positions. A long one is written while it is sent: as a text it is much larger than as numbers.
fn drawn<T: Send + Sync + 'static>(
    workers: &Handle,
    positions: Vec<T>,
    share: Share,
    push_all: PushAll<T>,
) -> Answer {
    let mut text = b"{\"positions\":[".to_vec();
    if positions.len() <= WHOLE_POINTS {
        push_all(&mut text, &positions);
        close(&mut text);
        return answer::typed(StatusCode::OK, "application/json", text);
    }
    let (pieces, sent) = mpsc::channel(1);
    workers.spawn(async move {
        let mut parts = positions.chunks(PIECE_POINTS).peekable();
        while let Some(part) = parts.next() {
            push_all(&mut text, part);
            if parts.peek().is_none() {
                close(&mut text);
            }
            if pieces.send(core::mem::take(&mut text).into()).await.is_err() {
                // The client is gone.
                return;
            }
        }
    });
    answer::json_pieces(Content::pieces(sent, share))
}

/// Puts the end of the answer in the place of the last comma.
fn close(text: &mut Vec<u8>) {
    if text.ends_with(b",") {
        text.pop();
    }
    text.extend_from_slice(b"]}");
}

fn push_integers(text: &mut Vec<u8>, positions: &[i8]) {
    for position in positions {
        // Memory takes everything, and every integer has a text.
        let _ = serde_json::to_writer(&mut *text, position);
        text.push(b',');
    }
}

/// Runs the wave. While one runs, goes over to this one.
///
/// # Errors
/// 400, 422, and 409 when the machine does not run it.
pub async fn run(waves: &WaveRequests, request: RoutedRequest) -> HandlerResult {
    let RoutedRequest { client, strictness, body, .. } = request;
    waves.run(&client, strictness, body.json()?.as_ref(), WaveStart::default()).await?;
    Ok(answer::ok(&json!({ "status": "success" })))
}
