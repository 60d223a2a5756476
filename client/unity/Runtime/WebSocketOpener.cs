using System;
using System.IO;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Copresence
{
    /// <summary>
    /// Opens a WebSocket (RFC 6455, section 4.1) over a socket of its own. That of ClientWebSocket holds small packets back until the server has confirmed the one
    /// before: at 90 Hz, poses then came a tick late.
    /// </summary>
    static class WebSocketOpener
    {
        const string Subprotocol = "copresence.v1";
        const int BufferBytes = 16384, MaxAnswerBytes = 16384;

        public static async Task<WebSocket> Open(Uri uri, CancellationToken ending)
        {
            var tcp = new TcpClient { NoDelay = true };
            // Neither connecting nor reading takes the token.
            using (ending.Register(tcp.Close))
            {
                try
                {
                    bool isSecure = uri.Scheme == "wss" || uri.Scheme == "https";
                    await tcp.ConnectAsync(uri.DnsSafeHost, uri.IsDefaultPort ? (isSecure ? 443 : 80) : uri.Port);
                    Stream stream = tcp.GetStream();
                    if (isSecure)
                    {
                        var secure = new SslStream(stream);
                        await secure.AuthenticateAsClientAsync(uri.DnsSafeHost, null, SslProtocols.Tls12, false);
                        stream = secure;
                    }
                    await Upgrade(stream, uri, ending);
                    return WebSocket.CreateClientWebSocket(stream, Subprotocol, BufferBytes, BufferBytes, Timeout.InfiniteTimeSpan, false, WebSocket.CreateClientBuffer(BufferBytes, BufferBytes));
                }
                catch (Exception)
                {
                    tcp.Close();
                    throw;
                }
            }
        }

        static async Task Upgrade(Stream stream, Uri uri, CancellationToken ending)
        {
            var nonce = new byte[16];
            using (RandomNumberGenerator random = RandomNumberGenerator.Create()) random.GetBytes(nonce);
            string key = Convert.ToBase64String(nonce);
            string request = "GET " + uri.PathAndQuery + " HTTP/1.1\r\nHost: " + uri.Authority + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                + key + "\r\nSec-WebSocket-Protocol: " + Subprotocol + "\r\n\r\n";
            byte[] bytes = Encoding.ASCII.GetBytes(request);
            await stream.WriteAsync(bytes, 0, bytes.Length, ending);
            string answer = await ReadAnswer(stream, ending);
            if (!answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)) throw new WebSocketException(answer.Split('\r')[0]);
            byte[] digest;
            using (SHA1 sha = SHA1.Create()) digest = sha.ComputeHash(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
            string accept = Convert.ToBase64String(digest);
            foreach (string line in answer.Split('\n'))
            {
                int colon = line.IndexOf(':');
                if (colon > 0 && line.Substring(0, colon).Equals("Sec-WebSocket-Accept", StringComparison.OrdinalIgnoreCase) && line.Substring(colon + 1).Trim() == accept) return;
            }
            throw new WebSocketException("the answer is not one to this request");
        }

        /// <summary>Byte by byte up to the empty line: what follows is the WebSocket's.</summary>
        static async Task<string> ReadAnswer(Stream stream, CancellationToken ending)
        {
            var answer = new StringBuilder();
            var next = new byte[1];
            while (answer.Length < MaxAnswerBytes)
            {
                if (await stream.ReadAsync(next, 0, 1, ending) == 0) throw new WebSocketException("the connection ended");
                answer.Append((char)next[0]);
                if (next[0] == '\n' && answer.Length > 3 && answer.ToString(answer.Length - 4, 4) == "\r\n\r\n") return answer.ToString();
            }
            throw new WebSocketException("the answer is too long");
        }
    }
}
