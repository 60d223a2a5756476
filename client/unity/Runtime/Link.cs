using System;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;

namespace Copresence
{
    /// <summary>One WebSocket: reads into fresh arrays, writes one packet after the other, and tells once when it is over.</summary>
    sealed class Link
    {
        const int MaxQueuedPackets = 64;
        const int LeaveMs = 500, FullMs = 5;

        WebSocket socket;
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
        }

        public int QueuedPackets { get { return outgoing.Count; } }

        /// <param name="isFull">Whether to leave what comes to the network for now: a game that stands still must not fill the memory.</param>
        public void Run(Action opened, Action<byte[], int> received, Func<bool> isFull, Action ended)
        {
            Task.Run(async () =>
            {
                try
                {
                    socket = await WebSocketOpener.Open(uri, ending.Token);
                    IsOpen = true;
                    Task writing = Write();
                    opened();
                    await Read(received, isFull);
                    await writing;
                }
                catch (Exception)
                {
                    // Whatever it was, the connection is gone; why, the server has said in its last message if it could.
                }
                IsOpen = false;
                if (socket != null) socket.Dispose();
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

        async Task Read(Action<byte[], int> received, Func<bool> isFull)
        {
            var buffer = new byte[16384];
            int length = 0;
            while (socket.State == WebSocketState.Open)
            {
                while (isFull()) await Task.Delay(FullMs, ending.Token);
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
