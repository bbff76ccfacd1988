//! `/api/wave/get` and `/api/wave/run`: the points of a wave for drawing, and its start.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::api::answer::{self, Answer, HandlerResult};
use crate::api::budget::Share;
use crate::api::content::Content;
use crate::api::request::RoutedRequest;
use crate::api::wave_requests::WaveRequests;
use crate::wave::points::Points;

/// An answer of up to so many points is written whole.
const WHOLE_POINTS: usize = 8 * 1024;
/// Points of a piece of a longer answer.
const PIECE_POINTS: usize = 2 * 1024;

#[derive(Serialize)]
struct Drawing<T> {
    positions: Vec<T>,
}

/// The points of the wave, as the clients draw them. A long answer is written by `workers`.
///
/// # Errors
/// 400 and 422.
pub async fn get(waves: &WaveRequests, workers: &Handle, request: RoutedRequest) -> HandlerResult {
    let (points, share) = waves.points(request.reading, request.body.json()?.as_ref()).await?;
    Ok(match points {
        Points::Sine(positions) | Points::Other(positions) => drawn(workers, positions, share),
        Points::Square(positions) => drawn(workers, positions, share),
    })
}

/// An answer with the positions. A long one is written while it is sent: as a text it is much larger than as numbers.
fn drawn<T: Serialize + Send + Sync + 'static>(workers: &Handle, positions: Vec<T>, share: Share) -> Answer {
    if positions.len() <= WHOLE_POINTS {
        return answer::ok(&Drawing { positions });
    }
    let (pieces, sent) = mpsc::channel(1);
    workers.spawn(async move {
        let mut text = b"{\"positions\":".to_vec();
        for (index, part) in positions.chunks(PIECE_POINTS).enumerate() {
            for (within, position) in part.iter().enumerate() {
                text.push(if index + within == 0 { b'[' } else { b',' });
                if serde_json::to_writer(&mut text, position).is_err() {
                    return;
                }
            }
            if pieces.send(core::mem::take(&mut text).into()).await.is_err() {
                // The client is gone.
                return;
            }
        }
        let _ = pieces.send(Bytes::from_static(b"]}")).await;
    });
    answer::json_pieces(Content::pieces(sent, share))
}

/// Runs the wave. While one runs, goes over to this one.
///
/// # Errors
/// 400, 422, and 409 when the machine does not run it.
pub async fn run(waves: &WaveRequests, request: RoutedRequest) -> HandlerResult {
    let RoutedRequest { client, reading, body, .. } = request;
    waves.run(&client, reading, body.json()?.as_ref()).await?;
    Ok(answer::ok(&json!({ "status": "success" })))
}
