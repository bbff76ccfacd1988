//! Start time from exec to the first HTTP answer, with a new state folder and with an existing one.

mod support;

use support::server::{Server, folder};
use support::{Samples, ms};

const STARTS: usize = 30;

fn main() {
    if !support::is_bench_run() {
        return;
    }
    let first = |_| {
        let folder = folder();
        ms(Server::start(folder.path(), "").started_in)
    };
    Samples::new((0..STARTS).map(first).collect()).print("start.new_state", "ms");

    let folder = folder();
    drop(Server::start(folder.path(), ""));
    let again = |_| ms(Server::start(folder.path(), "").started_in);
    Samples::new((0..STARTS).map(again).collect()).print("start.same_state", "ms");
}
