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
        const int MaxPending = 1024, MaxQueuedPackets = 64;
        const double HeartbeatTimeoutMs = 10000;
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
        readonly PoseSample scratch = new PoseSample();
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
                () => pending.Enqueue(() => Lost(opened, opened.ErrorCode ?? "CONNECTION_LOST", opened.Retry ?? "reconnect", opened.RetryAfterMs)));
        }

        void Greet(Link opened)
        {
            if (opened != link || State == ClientState.Ended) return;
            if (State != ClientState.Reconnecting) Change(ClientState.Joining, "");
            opened.HeardMs = NowMs;
            SendControl("hello", "version", 1, "oldestVersion", 1, "capabilities", new List<object> { "pose" }, "token", options.Token, "deviceMs", NowMs, "client", "copresence-unity/1");
            if (resumeToken != null)
            {
                SendControl("resume", "resumeToken", resumeToken);
                resumeToken = null;
                return;
            }
            var consent = new Dictionary<string, object> { { "inference", options.Inference }, { "recording", options.Recording }, { "training", options.Training } };
            SendControl("join", "session", options.Session, "name", options.Name, "consent", consent);
        }

        void Receive(Link from, byte[] bytes, int length)
        {
            if (from != link || State == ClientState.Ended) return;
            from.HeardMs = NowMs;
            Problem problem = Codec.ReadPacket(bytes, length, (kind, start, end) =>
            {
                // Kinds that it does not know are skipped [PKT5].
                if (kind == (byte)Kind.Snapshot) TakeSnapshot(bytes, start, end);
                else if (kind == (byte)Kind.Control) TakeControl(bytes, start, end);
            });
            if (problem != Problem.None) Lost(from, "CONNECTION_LOST", "reconnect", 0);
        }

        void TakeSnapshot(byte[] bytes, int start, int end)
        {
            SnapshotHeader header;
            Codec.DecodeSnapshot(bytes, start, end, ServerNowMs, scratch, out header, (slot, sample) =>
            {
                if (slot != Slot) PoseReceived(slot, sample);
            });
        }

        void TakeControl(byte[] bytes, int start, int end)
        {
            Dictionary<string, object> message = MessagePack.Decode(bytes, start, end);
            if (message == null) return;
            switch (Text(message, "type"))
            {
                case "ping": SendControl("pong", "serverMs", message["serverMs"], "deviceMs", NowMs); break;
                case "welcome":
                    offsetMs = Number(message, "serverMs") - NowMs;
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
            participants.Clear();
            foreach (object info in (List<object>)message["participants"]) Keep((Dictionary<string, object>)info);
            Change(ClientState.Live, "");
            foreach (Participant participant in new List<Participant>(participants.Values)) if (participant.Slot != Slot) ParticipantChanged(participant);
        }

        void TakePresence(Dictionary<string, object> message)
        {
            Participant participant = Keep((Dictionary<string, object>)message["participant"]);
            if (Text(message, "event") == "left")
            {
                participant.Live = false;
                participants.Remove(participant.Slot);
            }
            ParticipantChanged(participant);
        }

        Participant Keep(Dictionary<string, object> info)
        {
            var participant = new Participant { Slot = (int)Number(info, "slot"), Id = Text(info, "participantId"), Name = Text(info, "name"), Role = Text(info, "role"), Live = Text(info, "presence") == "live" };
            participants[participant.Slot] = participant;
            return participant;
        }

        void TakeError(Dictionary<string, object> message)
        {
            if (!true.Equals(message["closing"]))
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
            double t1 = Number(message, "deviceMs"), t2 = Number(message, "arrivedMs"), t3 = Number(message, "sentMs"), t4 = NowMs;
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
            return Convert.ToDouble(message[field]);
        }

        /// <summary>One WebSocket: reads into fresh arrays, writes one packet after the other, and tells once when it is over.</summary>
        sealed class Link
        {
            readonly ClientWebSocket socket = new ClientWebSocket();
            readonly Uri uri;
            readonly CancellationTokenSource ending;
            readonly ConcurrentQueue<byte[]> outgoing = new ConcurrentQueue<byte[]>();
            readonly SemaphoreSlim more = new SemaphoreSlim(0);
            readonly ManualResetEventSlim written = new ManualResetEventSlim();

            public volatile bool IsOpen;
            public bool IsGreeted;
            public double HeardMs;
            public string ErrorCode, Retry;
            public double RetryAfterMs;

            public Link(string url, CancellationToken closing)
            {
                uri = new Uri(url);
                ending = CancellationTokenSource.CreateLinkedTokenSource(closing);
                socket.Options.AddSubProtocol("copresence.v1");
            }

            public int QueuedPackets { get { return outgoing.Count; } }

            public void Run(Action opened, Action<byte[], int> received, Action ended)
            {
                Task.Run(async () =>
                {
                    try
                    {
                        await socket.ConnectAsync(uri, ending.Token);
                        IsOpen = true;
                        Task writing = Write();
                        opened();
                        await Read(received);
                        await writing;
                    }
                    catch (Exception)
                    {
                        // Whatever it was, the connection is gone; why, the server has said in its last message if it could.
                    }
                    IsOpen = false;
                    ended();
                });
            }

            public bool Send(Kind kind, byte[] payload, int length)
            {
                if (!IsOpen || outgoing.Count >= MaxQueuedPackets) return false;
                var packet = new byte[length + 5];
                int at = Codec.WriteFrameHeader(kind, length, packet, 0);
                Buffer.BlockCopy(payload, 0, packet, at, length);
                Array.Resize(ref packet, at + length);
                outgoing.Enqueue(packet);
                more.Release();
                return true;
            }

            public void WaitUntilWritten()
            {
                written.Wait(LeaveMs);
            }

            /// <summary>Gives what was said last half a second to leave.</summary>
            public void Close()
            {
                if (IsOpen) ending.CancelAfter(LeaveMs);
                else ending.Cancel();
                IsOpen = false;
                more.Release();
            }

            async Task Write()
            {
                try
                {
                    while (true)
                    {
                        await more.WaitAsync(ending.Token);
                        byte[] packet;
                        while (outgoing.TryDequeue(out packet)) await socket.SendAsync(new ArraySegment<byte>(packet), WebSocketMessageType.Binary, true, ending.Token);
                        if (IsOpen) continue;
                        written.Set();
                        ending.Cancel();
                        return;
                    }
                }
                finally
                {
                    written.Set();
                }
            }

            async Task Read(Action<byte[], int> received)
            {
                var buffer = new byte[16384];
                int length = 0;
                while (socket.State == WebSocketState.Open)
                {
                    WebSocketReceiveResult result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer, length, buffer.Length - length), ending.Token);
                    if (result.MessageType == WebSocketMessageType.Close) break;
                    length += result.Count;
                    if (result.EndOfMessage)
                    {
                        var packet = new byte[length];
                        Buffer.BlockCopy(buffer, 0, packet, 0, length);
                        received(packet, length);
                        length = 0;
                    }
                    else if (length > Codec.PacketBytes) break;
                    else if (length == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
                }
                ending.Cancel();
            }
        }
    }
}
