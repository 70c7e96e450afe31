//! Three servers that keep one stream together, and a leaf whose lines to them can be cut.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::nats::free_port;
use crate::parts::NATS_SERVER;
use crate::proxy::{Line, Proxy};

/// One server, of the cluster or the leaf.
pub(crate) struct Node {
    name: String,
    port: u16,
    configuration: String,
    folder: PathBuf,
    child: Option<Child>,
}

/// All of them.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaf: Node,
    lines: Vec<Proxy>,
    _folder: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let ports: Vec<[u16; 3]> = (0..3).map(|_| [free_port(), free_port(), free_port()]).collect();
        let routes: Vec<String> = ports.iter().map(|[_, route, _]| format!("nats-route://127.0.0.1:{route}")).collect();
        let nodes: Vec<Node> = (0..3)
            .map(|index| {
                let [port, route, leaf] = ports[index];
                let (name, store) = (format!("n{index}"), folder.path().join(format!("store{index}")));
                let configuration = format!(
                    "jetstream {{ domain: hub, store_dir: {}, max_mem: 64M, max_file: 2G }}\n\
                     cluster {{ name: estate, listen: 127.0.0.1:{route}, routes: [ {} ] }}\n\
                     leafnodes {{ listen: 127.0.0.1:{leaf}, no_advertise: true }}\n",
                    store.display(),
                    routes.join(", ")
                );
                Node { name, port, configuration, folder: folder.path().to_owned(), child: None }
            })
            .collect();
        let lines: Vec<Proxy> = ports.iter().map(|[_, _, leaf]| Proxy::to(*leaf)).collect();
        let remotes: Vec<String> = lines.iter().map(|line| line.url().replace("nats://", "nats-leaf://")).collect();
        // Without its own JetStream a leaf passes questions on, but only to a domain that it is told.
        let configuration = format!(
            "default_js_domain: {{ \"$G\": hub }}\nleafnodes {{ reconnect: \"1s\", remotes: [ {{ urls: [ {} ] }} ] }}\n",
            remotes.join(", ")
        );
        let (name, port) = ("leaf".to_owned(), free_port());
        let leaf = Node { name, port, configuration, folder: folder.path().to_owned(), child: None };
        let mut cluster = Self { nodes, leaf, lines, _folder: folder };
        cluster.nodes.iter_mut().for_each(Node::up);
        cluster.leaf.up();
        cluster
    }

    /// The addresses of all of the cluster.
    pub(crate) fn urls(&self) -> String {
        self.nodes.iter().map(Node::url).collect::<Vec<_>>().join(",")
    }

    /// Cuts the leaf off, or lets it through again.
    pub(crate) fn set_leaf(&self, line: Line) {
        self.lines.iter().for_each(|proxy| proxy.set(line));
    }

    pub(crate) fn said(&self) -> String {
        self.nodes.iter().chain([&self.leaf]).map(Node::said).collect()
    }
}

impl Node {
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it, or starts it again.
    pub(crate) fn up(&mut self) {
        self.kill();
        let (file, log) = (self.folder.join(format!("{}.conf", self.name)), self.log());
        let (name, port) = (&self.name, self.port);
        let head = format!("listen: 127.0.0.1:{port}\nserver_name: {name}\nlog_file: {}\n", log.display());
        fs::write(&file, head + &self.configuration).unwrap();
        let mut command = NATS_SERVER.command().unwrap();
        let quiet = command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(quiet.spawn().unwrap());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    fn said(&self) -> String {
        format!("== {}\n{}", self.name, fs::read_to_string(self.log()).unwrap_or_default())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
