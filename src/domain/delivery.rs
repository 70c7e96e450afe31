//! Delivery: where the exchange with one remote stands, and what to do next. A pure state machine: what was seen goes
//! in, with the time and a random number, and the next step comes out.
//!
//! ```text
//! Disabled ⇄ Offline → Connecting → Reconciling → CatchingUp ⇄ Live
//!                          ↑  any failure: Backoff, or Open when the breaker has seen too many
//!                          └──────────────┘        Blocked: what no retry cures, asked again now and then
//! ```
//!
//! Nothing is published but in `CatchingUp` and `Live`, and after any outcome that is not known the way leads through
//! `Reconciling`: never a blind retry.

mod breaker;

pub use breaker::Breaker;

/// Where delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing is shared, or no server is named.
    Disabled,
    /// The server was not reached yet.
    Offline,
    /// It is being reached.
    Connecting,
    /// It is being asked what it holds.
    Reconciling,
    /// It is being sent what it lacks.
    CatchingUp,
    /// It holds everything.
    Live,
    /// Something failed; it is tried again after a while.
    Backoff,
    /// Too much failed: the breaker is open, one attempt is made after a while.
    Open,
    /// Something is wrong that no retry cures.
    Blocked,
}

impl State {
    /// Every state, in the order of the way.
    pub const ALL: [Self; 9] = [
        Self::Disabled,
        Self::Offline,
        Self::Connecting,
        Self::Reconciling,
        Self::CatchingUp,
        Self::Live,
        Self::Backoff,
        Self::Open,
        Self::Blocked,
    ];

    /// The name used in views, output and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Offline => "offline",
            Self::Connecting => "connecting",
            Self::Reconciling => "reconciling",
            Self::CatchingUp => "catching_up",
            Self::Live => "live",
            Self::Backoff => "backoff",
            Self::Open => "open",
            Self::Blocked => "blocked",
        }
    }

    /// How the breaker stands in this state, after so many attempts that failed: `closed`, `open`, or `half_open` while one
    /// attempt tells whether it closes. It watches `JetStream`: who only cannot reach the server has it closed.
    pub const fn breaker(self, attempts: u32) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reconciling | Self::CatchingUp if attempts >= breaker::IN_A_ROW => "half_open",
            _ => "closed",
        }
    }

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What no retry cures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A setting of ours is no such thing, lacks another, or names a file that cannot be read.
    Setting,
    /// The server refuses these credentials.
    Unauthorized,
    /// The server and this machine do not believe each other's certificates, or one is not fit.
    Tls,
    /// The account may not publish or read what is needed.
    Permission,
    /// The stream is not there, and this is no server that we set up by ourselves.
    StreamMissing,
    /// The stream is not as it must be.
    StreamDiffers,
    /// The server makes or changes no such stream.
    StreamRefused,
    /// The stream is full.
    StreamFull,
    /// The server is too old.
    ServerTooOld,
    /// The server has no `JetStream`, or this account may not use it.
    NoJetStream,
    /// The server takes smaller messages than an event may be.
    PayloadLimit,
    /// The server holds other events of this origin than this ledger: it was copied, or restored and went on.
    Forked,
    /// Somebody else published under this origin's name.
    Forged,
    /// An event of this origin is larger than others take in.
    Oversized,
    /// The clocks are too far apart.
    Clock,
    /// This origin's key is missing.
    NoKey,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::Setting,
        Self::Unauthorized,
        Self::Tls,
        Self::Permission,
        Self::StreamMissing,
        Self::StreamDiffers,
        Self::StreamRefused,
        Self::StreamFull,
        Self::ServerTooOld,
        Self::NoJetStream,
        Self::PayloadLimit,
        Self::Forked,
        Self::Forged,
        Self::Oversized,
        Self::Clock,
        Self::NoKey,
    ];

    /// The name used in views, output and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::Unauthorized => "unauthorized",
            Self::Tls => "tls",
            Self::Permission => "permission",
            Self::StreamMissing => "stream_missing",
            Self::StreamDiffers => "stream_differs",
            Self::StreamRefused => "stream_refused",
            Self::StreamFull => "stream_full",
            Self::ServerTooOld => "server_too_old",
            Self::NoJetStream => "no_jetstream",
            Self::PayloadLimit => "payload_limit",
            Self::Forked => "forked",
            Self::Forged => "forged",
            Self::Oversized => "oversized",
            Self::Clock => "clock",
            Self::NoKey => "no_key",
        }
    }

    /// How long until it is asked again, in microseconds.
    const fn pause_us(self) -> i64 {
        match self {
            // A leaf says the same while it is cut off from the server that has JetStream, and that passes.
            Self::NoJetStream => LEAF_PAUSE_US,
            _ => LONGEST_PAUSE_US,
        }
    }

    /// What the user does about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Setting => "correct what is named, in `NATS_…` or below `sync` in the settings file",
            Self::Unauthorized => {
                "check the credentials: those in `NATS_…` count before those below `sync` in the settings file"
            }
            Self::Tls => {
                "check `sync.tls.authorities` (`NATS_CA`) and, when the server asks for a certificate, `sync.tls.certificate` \
                 (`NATS_CERT`) with `sync.tls.key` (`NATS_KEY`)"
            }
            Self::Permission => {
                "ask the server's administrator to allow it: `docs/sync.md` lists what a workstation needs"
            }
            Self::StreamMissing => "run `cim-nix sync setup` with an administrator's credentials",
            Self::StreamDiffers => {
                "run `cim-nix sync setup --upgrade` with an administrator's credentials; what cannot be changed has to be made anew"
            }
            Self::StreamRefused => {
                "take away what stands in its way on the server, as another stream with its subjects, or correct `sync.ledger`, \
                 `sync.events`, `sync.replicas` or `sync.max_mebibytes`"
            }
            Self::StreamFull => "raise the limits of the stream, or set it up on a larger disk",
            Self::ServerTooOld => "update nats-server to 2.11 or newer",
            Self::NoJetStream => {
                "enable JetStream on the server and for this account; a leaf says so, too, while it is cut off"
            }
            Self::PayloadLimit => "set the server's `max_payload` to 512 KiB or more",
            Self::Forked => {
                "when the original goes on elsewhere, become an origin of your own: `cim-nix origin fork --yes`"
            }
            Self::Forged => {
                "take the permission from whoever published under this origin's name, then have the stream made anew, or become an \
                 origin of your own: `docs/sync.md` says how"
            }
            Self::Oversized => {
                "become an origin of your own, which leaves it behind: `cim-nix origin fork --yes`, then `cim-nix scan`"
            }
            Self::Clock => "set this machine's clock, or the server's",
            Self::NoKey => "put the key file back beside the database, from a backup",
        }
    }
}

/// Something that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There is something to share and a server to share it with.
    Enabled,
    /// There is not, or no longer.
    Disabled,
    /// The connection stands.
    Connected,
    /// The connection is lost; the client reconnects by itself.
    Lost,
    /// The connection could not be made.
    Unreachable,
    /// The server said what it holds.
    Reconciled {
        /// How many events it lacks.
        behind: u64,
    },
    /// The server acknowledged what it was sent.
    Acknowledged {
        /// How many events it still lacks.
        behind: u64,
    },
    /// Somebody asks for it now: what is waited for is tried at once.
    Asked,
    /// Events were recorded.
    Recorded {
        /// How many events the server lacks.
        behind: u64,
    },
    /// `JetStream` failed, or its answer is not known.
    Failed,
    /// It refused for good.
    Refused(Reason),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until something is seen.
    Wait,
    /// Nothing, until a moment (microseconds since 1970 UTC) or something is seen.
    WaitUntil(i64),
    /// Reach the server.
    Connect,
    /// Ask what it holds.
    Reconcile,
    /// Send what it lacks.
    Publish,
}

/// Where delivery to one remote stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    state: State,
    reason: Option<Reason>,
    attempts: u32,
    until: i64,
    connected: bool,
    breaker: Breaker,
}

/// The longest pause between two attempts.
pub const LONGEST_PAUSE_US: i64 = 60_000_000;
const LEAF_PAUSE_US: i64 = 3_000_000;
const FIRST_PAUSE_US: i64 = 250_000;

impl Default for Delivery {
    fn default() -> Self {
        Self {
            state: State::Disabled,
            reason: None,
            attempts: 0,
            until: 0,
            connected: false,
            breaker: Breaker::default(),
        }
    }
}

impl Delivery {
    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Why it is blocked; none when it is not.
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// How many attempts failed since one worked: since something was acknowledged, or nothing was left to send.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the next attempt is made, in microseconds since 1970 UTC, while one is waited for.
    pub const fn next_attempt(&self) -> Option<i64> {
        if self.is_waiting() { Some(self.until) } else { None }
    }

    /// Takes in what was seen. `random` is any number; it spreads the attempts of many machines.
    pub fn see(&mut self, seen: Seen, now: i64, random: u64) {
        match (self.state, seen) {
            (_, Seen::Disabled) => *self = Self { connected: self.connected, ..Self::default() },
            (State::Disabled, Seen::Enabled) if self.connected => self.state = State::Reconciling,
            (State::Disabled, Seen::Enabled) => self.state = State::Offline,
            // Whoever reports late, after all was switched off, changes nothing.
            (State::Disabled, _) => self.connected = self.connected_after(seen),
            (_, Seen::Connected) => {
                self.connected = true;
                // A breaker stays open for its time: it watches JetStream, not the connection.
                if !matches!(self.state, State::Open | State::Blocked) {
                    self.state = State::Reconciling;
                }
            }
            (_, Seen::Lost) => {
                self.connected = false;
                if !matches!(self.state, State::Open | State::Blocked) {
                    self.pause(State::Backoff, now, random);
                }
            }
            (_, Seen::Unreachable) => {
                self.connected = false;
                self.pause(State::Backoff, now, random);
            }
            (_, Seen::Reconciled { behind } | Seen::Acknowledged { behind }) => {
                // That it can be asked says nothing of whether it takes what it lacks: that is still to be tried.
                if behind == 0 || matches!(seen, Seen::Acknowledged { .. }) {
                    self.breaker.record(true);
                    self.attempts = 0;
                }
                self.reason = None;
                self.state = if behind == 0 { State::Live } else { State::CatchingUp };
            }
            (State::Live, Seen::Recorded { behind: 1.. }) => self.state = State::CatchingUp,
            (_, Seen::Asked) => self.until = self.until.min(now),
            (_, Seen::Enabled | Seen::Recorded { .. }) => {}
            (_, Seen::Failed) => {
                self.breaker.record(false);
                let state = if self.breaker.is_tripped() { State::Open } else { State::Backoff };
                self.pause(state, now, random);
            }
            (_, Seen::Refused(reason)) => {
                self.pause(State::Blocked, now, random);
                self.until = now + reason.pause_us();
                self.reason = Some(reason);
            }
        }
    }

    /// What to do next.
    pub fn next(&mut self, now: i64) -> Step {
        // No pause is longer: this one began by a clock that was ahead and has been set since.
        self.until = self.until.min(now.saturating_add(LONGEST_PAUSE_US));
        if self.is_waiting() && now >= self.until {
            self.reason = None;
            self.state = if self.connected { State::Reconciling } else { State::Connecting };
        }
        match self.state {
            State::Disabled | State::Live => Step::Wait,
            State::Offline => {
                self.state = State::Connecting;
                Step::Connect
            }
            State::Connecting => Step::Connect,
            State::Reconciling => Step::Reconcile,
            State::CatchingUp => Step::Publish,
            State::Backoff | State::Open | State::Blocked => Step::WaitUntil(self.until),
        }
    }

    const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Backoff | State::Open | State::Blocked)
    }

    const fn connected_after(&self, seen: Seen) -> bool {
        match seen {
            Seen::Connected => true,
            Seen::Lost | Seen::Unreachable => false,
            _ => self.connected,
        }
    }

    fn pause(&mut self, state: State, now: i64, random: u64) {
        self.until = now + pause_us(self.attempts, random);
        self.attempts = self.attempts.saturating_add(1);
        self.state = state;
        self.reason = None;
    }
}

/// How long until it is tried again after so many attempts that failed before, in microseconds: doubles from attempt to attempt,
/// and up to half of it is random.
pub fn pause_us(attempts: u32, random: u64) -> i64 {
    let full = FIRST_PAUSE_US.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE_US);
    let half = full / 2;
    half + i64::try_from(random % half.unsigned_abs().max(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
