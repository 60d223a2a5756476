using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;

namespace Copresence
{
    /// <summary>Reconnecting: the connection is gone and the participant's place is kept for a while. Ended: for good, with the reason.</summary>
    public enum ClientState { Connecting, Joining, Live, Reconnecting, Ended }

    public sealed class ClientOptions
    {
        /// <summary>Such as ws://127.0.0.1:7300 or wss://…</summary>
        public string Url;
        public string Token, Session, Name;
        public bool Inference = true, Recording, Training;
        /// <summary>Asks for snapshots as what differs from earlier ones: the same samples in a fraction of the bytes.</summary>
        public bool Deltas = true;
    }

    public sealed class Participant
    {
        public int Slot;
        public string Id, Name, Role;
        public bool Live;
    }

    /// <summary>
    /// Joins a session, sends poses and chat, hears everybody's, and comes back by itself. Sockets are read and written in the background;
    /// every event comes from <see cref="Dispatch"/>, on the thread that calls it: a game calls it once a frame.
    /// </summary>
    public sealed class CopresenceClient : IDisposable
    {
        const int MaxPending = 1024;
        const double HeartbeatTimeoutMs = 10000, ClockMs = 1e14;
        const int LeaveMs = 500;

        /// <summary>With the code of an error of docs/spec.md, or an empty text.</summary>
        public event Action<ClientState, string> StateChanged = delegate { };
        /// <summary>Slot and sample, right-handed and on the server's clock; the sample is borrowed for the call.</summary>
        public event Action<int, PoseSample> PoseReceived = delegate { };
        public event Action<Participant> ParticipantChanged = delegate { };
        /// <summary>Results, lines of chat and refusals of what was sent, with the fields of docs/spec.md.</summary>
        public event Action<Dictionary<string, object>> ResultReceived = delegate { }, ChatReceived = delegate { }, Refused = delegate { };

        static readonly Stopwatch Watch = Stopwatch.StartNew();

        readonly ClientOptions options;
        readonly ConcurrentQueue<Action> pending = new ConcurrentQueue<Action>();
        readonly CancellationTokenSource closing = new CancellationTokenSource();
        readonly Dictionary<int, Participant> participants = new Dictionary<int, Participant>();
        readonly Queue<double[]> exchanges = new Queue<double[]>();
        readonly SnapshotView snapshots;
        readonly byte[] sampleBytes = new byte[Codec.MaxSampleBytes];
        readonly Random random = new Random();
        Link link;
        string resumeToken;
        int attempt;
        double offsetMs, lastClockMs;
        int clocksAsked;

        public CopresenceClient(ClientOptions options)
        {
            this.options = options;
            snapshots = new SnapshotView((slot, sample) => { if (slot != Slot) PoseReceived(slot, sample); });
            Slot = -1;
        }

        public ClientState State { get; private set; }
        /// <summary>One's own, once live.</summary>
        public int Slot { get; private set; }
        public IEnumerable<Participant> Participants { get { return participants.Values; } }
        /// <summary>Milliseconds on this device's clock, for the CaptureMs of what is sent.</summary>
        public static double NowMs { get { return Watch.Elapsed.TotalMilliseconds; } }
        /// <summary>The same moment on the server's clock, wrong by at most half the shortest round trip.</summary>
        public double ServerNowMs { get { return NowMs + offsetMs; } }
        public double RttMs { get; private set; }

        /// <summary>How long before the server's time to draw a participant: two of the periods in which they come, and what links usually add. A far one comes rarely.</summary>
        public double DrawDelayMs(int slot)
        {
            return Math.Max(50, 20 + 2 * snapshots.PeriodMs(slot));
        }

        public Participant Find(int slot)
        {
            Participant found;
            return participants.TryGetValue(slot, out found) ? found : null;
        }

        public void Connect()
        {
            StateChanged(State, "");
            Open();
        }

        /// <summary>Hands out what has come since the last call, and keeps the connection. Call it once a frame.</summary>
        public void Dispatch()
        {
            Action next;
            for (int count = 0; count < MaxPending && pending.TryDequeue(out next); count++) next();
            if (link == null || State == ClientState.Ended) return;
            // A network that is gone closes nothing.
            if (link.IsOpen && NowMs - link.HeardMs > HeartbeatTimeoutMs) Lost(link, "CONNECTION_LOST", "reconnect", 0);
            else if (link.IsGreeted && NowMs - lastClockMs > (clocksAsked < 5 ? 100 : 2000)) AskForTime();
        }

        /// <summary>Sends a sample whose CaptureMs is on this device's clock. Poses that cannot leave are left out: the next one is newer.</summary>
        public Problem SendPose(PoseSample sample)
        {
            int size;
            Problem problem = Codec.EncodeSample(sample, sampleBytes, 0, out size);
            if (problem == Problem.None && State == ClientState.Live && link.QueuedPackets < 2) link.Send(Kind.PoseSample, sampleBytes, size);
            return problem;
        }

        /// <summary>At most 500 UTF-16 code units. False when it was not sent.</summary>
        public bool Say(string text)
        {
            return State == ClientState.Live && SendControl("say", "text", text, "captureMs", NowMs);
        }

        /// <summary>Changes the consent that was given on joining, at once, and for when it has to join anew [CON1]. False when it was not sent.</summary>
        public bool SetConsent(bool inference, bool recording, bool training)
        {
            options.Inference = inference;
            options.Recording = recording;
            options.Training = training;
            return State == ClientState.Live && SendControl("consent", "consent", Consent());
        }

        Dictionary<string, object> Consent()
        {
            return new Dictionary<string, object> { { "inference", options.Inference }, { "recording", options.Recording }, { "training", options.Training } };
        }

        /// <summary>Leaves for good; nobody keeps the place. Waits until that has been written, half a second at most, since a program may end right after.</summary>
        public void Dispose()
        {
            if (State == ClientState.Ended) return;
            Link last = State == ClientState.Live ? link : null;
            if (last != null) SendControl("leave");
            End("");
            if (last != null) last.WaitUntilWritten();
        }

        // ── the connection ──────────────────────────────────────────────────

        void Open()
        {
            if (State == ClientState.Ended) return;
            Link opened = new Link(options.Url.TrimEnd('/') + "/v1/connect", closing.Token);
            link = opened;
            exchanges.Clear();
            clocksAsked = 0;
            opened.Run(
                () => pending.Enqueue(() => Greet(opened)),
                (bytes, length) => pending.Enqueue(() => Receive(opened, bytes, length)),
                () => pending.Count >= MaxPending,
                () => pending.Enqueue(() => Lost(opened, opened.ErrorCode ?? "CONNECTION_LOST", opened.Retry ?? "reconnect", opened.RetryAfterMs)));
        }

        void Greet(Link opened)
        {
            if (opened != link || State == ClientState.Ended) return;
            if (State != ClientState.Reconnecting) Change(ClientState.Joining, "");
            opened.HeardMs = NowMs;
            var capabilities = new List<object> { "pose", "dynamic-gestures" };
            if (options.Deltas) capabilities.Add("delta");
            SendControl("hello", "version", 1, "oldestVersion", 1, "capabilities", capabilities, "token", options.Token, "deviceMs", NowMs, "client", "copresence-unity/1");
            if (resumeToken != null)
            {
                SendControl("resume", "resumeToken", resumeToken);
                resumeToken = null;
                return;
            }
            SendControl("join", "session", options.Session, "name", options.Name, "consent", Consent());
        }

        void Receive(Link from, byte[] bytes, int length)
        {
            if (from != link || State == ClientState.Ended) return;
            from.HeardMs = NowMs;
            Problem problem = Codec.ReadPacket(bytes, length, (kind, start, end) =>
            {
                if (from != link || State == ClientState.Ended) return;
                // Kinds that it does not know are skipped [PKT5].
                if (kind == (byte)Kind.Snapshot || kind == (byte)Kind.DeltaSnapshot) TakeSnapshot((Kind)kind, bytes, start, end);
                else if (kind == (byte)Kind.Control) TakeControl(bytes, start, end);
            });
            if (problem != Problem.None) Lost(from, "CONNECTION_LOST", "reconnect", 0);
        }

        void TakeSnapshot(Kind kind, byte[] bytes, int start, int end)
        {
            snapshots.Take(kind, bytes, start, end, ServerNowMs, NowMs);
            if (snapshots.AsksAnew) SendControl("snapshots");
            if (snapshots.Acknowledges && link != null) link.Send(Kind.Acknowledgement, snapshots.Acknowledgement, SnapshotView.AcknowledgementBytes);
        }

        void TakeControl(byte[] bytes, int start, int end)
        {
            Dictionary<string, object> message = MessagePack.Decode(bytes, start, end);
            if (message == null) return;
            try
            {
                Take(message);
            }
            catch (MalformedException)
            {
                Lost(link, "CONNECTION_LOST", "reconnect", 0);
            }
        }

        void Take(Dictionary<string, object> message)
        {
            switch (Text(message, "type"))
            {
                case "ping": SendControl("pong", "serverMs", Time(message, "serverMs"), "deviceMs", NowMs); break;
                case "welcome":
                    offsetMs = Time(message, "serverMs") - NowMs;
                    link.IsGreeted = true;
                    break;
                case "clock-reply": TakeTime(message); break;
                case "joined": TakeJoined(message); break;
                case "presence": TakePresence(message); break;
                case "chat": ChatReceived(message); break;
                case "result": ResultReceived(message); break;
                case "error": TakeError(message); break;
            }
        }

        void TakeJoined(Dictionary<string, object> message)
        {
            Slot = (int)Number(message, "slot");
            resumeToken = Text(message, "resumeToken");
            attempt = 0;
            snapshots.Restart(Number(message, "tickRateHz"));
            participants.Clear();
            foreach (object info in Field<List<object>>(message, "participants")) Keep(info as Dictionary<string, object>);
            Change(ClientState.Live, "");
            foreach (Participant participant in new List<Participant>(participants.Values)) if (participant.Slot != Slot) ParticipantChanged(participant);
        }

        void TakePresence(Dictionary<string, object> message)
        {
            Participant participant = Keep(Field<Dictionary<string, object>>(message, "participant"));
            if (Text(message, "event") == "left")
            {
                participant.Live = false;
                participants.Remove(participant.Slot);
                snapshots.Forget(participant.Slot);
            }
            ParticipantChanged(participant);
        }

        Participant Keep(Dictionary<string, object> info)
        {
            if (info == null) throw new MalformedException();
            var participant = new Participant { Slot = (int)Number(info, "slot"), Id = Text(info, "participantId"), Name = Text(info, "name"), Role = Text(info, "role"), Live = Text(info, "presence") == "live" };
            participants[participant.Slot] = participant;
            return participant;
        }

        void TakeError(Dictionary<string, object> message)
        {
            if (!Field<bool>(message, "closing"))
            {
                Refused(message);
                return;
            }
            link.ErrorCode = Text(message, "code");
            link.Retry = Text(message, "retry");
            link.RetryAfterMs = message.ContainsKey("retryAfterMs") ? Number(message, "retryAfterMs") : 0;
        }

        // ── time ────────────────────────────────────────────────────────────

        void AskForTime()
        {
            lastClockMs = NowMs;
            clocksAsked++;
            SendControl("clock", "deviceMs", NowMs);
        }

        /// <summary>The shortest round trip of the last eight counts [TIM2].</summary>
        void TakeTime(Dictionary<string, object> message)
        {
            double t1 = Time(message, "deviceMs"), t2 = Time(message, "arrivedMs"), t3 = Time(message, "sentMs"), t4 = NowMs;
            double rttMs = t4 - t1 - (t3 - t2);
            if (rttMs < 0 || t3 < t2) return;
            if (exchanges.Count == 8) exchanges.Dequeue();
            exchanges.Enqueue(new[] { (t2 - t1 + (t3 - t4)) / 2, rttMs });
            RttMs = double.MaxValue;
            foreach (double[] exchange in exchanges)
            {
                if (exchange[1] >= RttMs) continue;
                offsetMs = exchange[0];
                RttMs = exchange[1];
            }
        }

        // ── the end of a connection ─────────────────────────────────────────

        /// <summary>Half of a doubling wait plus chance, so that a server that starts again is not met by everybody at once.</summary>
        void Lost(Link gone, string code, string retry, double retryAfterMs)
        {
            gone.Close();
            if (gone != link || State == ClientState.Ended) return;
            link = null;
            if (retry == "never")
            {
                End(code);
                return;
            }
            if (code == "RESUME_REFUSED") resumeToken = null;
            double wholeMs = Math.Min(8000, 250 * Math.Pow(2, attempt++));
            double waitMs = Math.Max(retryAfterMs, wholeMs / 2 + random.NextDouble() * wholeMs / 2);
            Change(ClientState.Reconnecting, code);
            Task.Delay((int)waitMs, closing.Token).ContinueWith(done => { if (!done.IsCanceled) pending.Enqueue(Open); });
        }

        void End(string code)
        {
            Change(ClientState.Ended, code);
            if (link != null) link.Close();
            closing.CancelAfter(LeaveMs);
        }

        void Change(ClientState state, string code)
        {
            if (State == state || State == ClientState.Ended) return;
            State = state;
            StateChanged(state, code);
        }

        // ── sending ─────────────────────────────────────────────────────────

        bool SendControl(string type, params object[] fields)
        {
            var message = new Dictionary<string, object> { { "type", type } };
            for (int at = 0; at < fields.Length; at += 2) message[(string)fields[at]] = fields[at + 1];
            byte[] body = MessagePack.Encode(message);
            return link != null && link.Send(Kind.Control, body, body.Length);
        }

        static string Text(Dictionary<string, object> message, string field)
        {
            object value;
            return message.TryGetValue(field, out value) ? value as string : null;
        }

        static double Number(Dictionary<string, object> message, string field)
        {
            object value;
            if (!message.TryGetValue(field, out value) || !(value is long || value is double)) throw new MalformedException();
            return Convert.ToDouble(value);
        }

        /// <summary>One that is far from any clock's [TIM1] would stay in what is reckoned with it.</summary>
        static double Time(Dictionary<string, object> message, string field)
        {
            double timeMs = Number(message, field);
            if (!(Math.Abs(timeMs) <= ClockMs)) throw new MalformedException();
            return timeMs;
        }

        static T Field<T>(Dictionary<string, object> message, string field)
        {
            object value;
            if (!message.TryGetValue(field, out value) || !(value is T)) throw new MalformedException();
            return (T)value;
        }

        /// <summary>A message of the server that is none of the specification's.</summary>
        sealed class MalformedException : Exception
        {
        }
    }
}
