// The C++ peers of the rpc benchmark: the same service on the two APIs that gRPC's C++ users choose from.
//
// usage: cpp_server callback | async [threads=N]     prints "ready PORT"
// async: N completion queues with one thread each, every call bound to the queue it came from.
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "bench.grpc.pb.h"

using bench::v1::AudioEvent;
using bench::v1::AudioFrame;
using bench::v1::Bench;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using grpc::Status;

namespace {

constexpr int kRequestsPerQueue = 64;

void Fill(const EchoRequest &r, EchoReply *o)
{
    o->set_id(r.id());
    o->set_seq(r.seq());
    o->set_language(r.language());
    o->set_payload(r.payload());
    o->set_n_tags(static_cast<uint32_t>(r.tags_size()));
}

void Fill(const AudioFrame &f, AudioEvent *e)
{
    e->set_seq(f.seq());
    e->set_t_ns(f.t_ns());
    e->set_n_bytes(static_cast<uint32_t>(f.pcm().size()));
}

// ---- callback API

class AudioReactor final : public grpc::ServerBidiReactor<AudioFrame, AudioEvent> {
  public:
    AudioReactor() { StartRead(&frame_); }

    void OnReadDone(bool ok) override
    {
        std::unique_lock<std::mutex> lock(mutex_);

        if (!ok) {
            eof_ = true;
            MaybeFinish(lock);
            return;
        }
        AudioEvent e;
        Fill(frame_, &e);
        if (writing_)
            queue_.push_back(std::move(e));
        else
            Write(std::move(e));
        StartRead(&frame_);
    }

    void OnWriteDone(bool ok) override
    {
        std::unique_lock<std::mutex> lock(mutex_);

        writing_ = false;
        if (ok && !queue_.empty()) {
            AudioEvent e = std::move(queue_.front());
            queue_.pop_front();
            Write(std::move(e));
            return;
        }
        eof_ |= !ok;
        MaybeFinish(lock);
    }

    void OnDone() override { delete this; }

  private:
    void Write(AudioEvent e)
    {
        writing_ = true;
        event_ = std::move(e);
        StartWrite(&event_);
    }

    void MaybeFinish(std::unique_lock<std::mutex> &lock)
    {
        if (!eof_ || writing_ || !queue_.empty() || finished_)
            return;
        finished_ = true;
        lock.unlock();
        Finish(Status::OK);
    }

    std::mutex mutex_;
    AudioFrame frame_;
    AudioEvent event_;
    std::deque<AudioEvent> queue_;
    bool writing_ = false, eof_ = false, finished_ = false;
};

class CallbackService final : public Bench::CallbackService {
    grpc::ServerUnaryReactor *Echo(grpc::CallbackServerContext *c, const EchoRequest *r,
                                   EchoReply *o) override
    {
        Fill(*r, o);
        auto *reactor = c->DefaultReactor();
        reactor->Finish(Status::OK);
        return reactor;
    }

    grpc::ServerBidiReactor<AudioFrame, AudioEvent> *Audio(grpc::CallbackServerContext *) override
    {
        return new AudioReactor;
    }
};

// ---- async API: a tag per step, a state machine per call. One thread per queue: no locks needed.

using Service = Bench::AsyncService;
using Queue = grpc::ServerCompletionQueue;

struct Tag {
    virtual void Run(bool ok) = 0;
    virtual ~Tag() = default;
};

struct EchoCall final : Tag {
    EchoCall(Service *s, Queue *q) : service(s), queue(q), writer(&context)
    {
        service->RequestEcho(&context, &request, &writer, queue, queue, this);
    }

    void Run(bool ok) override
    {
        if (!ok || done) {
            delete this;
            return;
        }
        new EchoCall(service, queue);
        Fill(request, &reply);
        done = true;
        writer.Finish(reply, Status::OK, this);
    }

    Service *service;
    Queue *queue;
    grpc::ServerContext context;
    EchoRequest request;
    EchoReply reply;
    grpc::ServerAsyncResponseWriter<EchoReply> writer;
    bool done = false;
};

class AudioCall {
  public:
    AudioCall(Service *s, Queue *q) : service_(s), queue_(q), io_(&context_)
    {
        for (Step *step : {&opened_, &read_, &wrote_, &finished_})
            step->call = this;
        opened_.run = &AudioCall::Opened;
        read_.run = &AudioCall::Read;
        wrote_.run = &AudioCall::Wrote;
        finished_.run = &AudioCall::Finished;
        service_->RequestAudio(&context_, &io_, queue_, queue_, &opened_);
    }

  private:
    struct Step final : Tag {
        void Run(bool ok) override { (call->*run)(ok); }
        AudioCall *call;
        void (AudioCall::*run)(bool);
    };

    void Opened(bool ok)
    {
        if (!ok) {
            delete this;
            return;
        }
        new AudioCall(service_, queue_);
        io_.Read(&frame_, &read_);
    }

    void Read(bool ok)
    {
        if (!ok) {
            eof_ = true;
            MaybeFinish();
            return;
        }
        AudioEvent e;
        Fill(frame_, &e);
        if (writing_)
            out_.push_back(std::move(e));
        else
            Write(std::move(e));
        io_.Read(&frame_, &read_);
    }

    void Write(AudioEvent e)
    {
        writing_ = true;
        event_ = std::move(e);
        io_.Write(event_, &wrote_);
    }

    void Wrote(bool ok)
    {
        writing_ = false;
        if (ok && !out_.empty()) {
            AudioEvent e = std::move(out_.front());
            out_.pop_front();
            Write(std::move(e));
            return;
        }
        if (!ok)
            out_.clear();
        MaybeFinish();
    }

    void MaybeFinish()
    {
        if (!eof_ || writing_ || !out_.empty())
            return;
        io_.Finish(Status::OK, &finished_);
    }

    void Finished(bool) { delete this; }

    Service *service_;
    Queue *queue_;
    grpc::ServerContext context_;
    grpc::ServerAsyncReaderWriter<AudioEvent, AudioFrame> io_;
    AudioFrame frame_;
    AudioEvent event_;
    std::deque<AudioEvent> out_;
    bool writing_ = false, eof_ = false;
    Step opened_, read_, wrote_, finished_;
};

void Serve(Queue *queue)
{
    void *tag;
    bool ok;

    while (queue->Next(&tag, &ok))
        static_cast<Tag *>(tag)->Run(ok);
}

} // namespace

int main(int argc, char **argv)
{
    const bool async = argc > 1 && std::string(argv[1]) == "async";
    int threads = 1, port = 0, number;
    sigset_t stop;

    if (argc > 2 && std::string(argv[2]).rfind("threads=", 0) == 0)
        threads = std::stoi(std::string(argv[2]).substr(8));
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);

    grpc::ServerBuilder builder;
    CallbackService callback_service;
    Service async_service;
    std::vector<std::unique_ptr<Queue>> queues;
    std::vector<std::thread> pool;

    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    if (async)
        builder.RegisterService(&async_service);
    else
        builder.RegisterService(&callback_service);
    for (int i = 0; async && i < threads; i++)
        queues.push_back(builder.AddCompletionQueue());
    auto server = builder.BuildAndStart();
    if (!server)
        return 1;
    for (auto &q : queues) {
        for (int i = 0; i < kRequestsPerQueue; i++) {
            new EchoCall(&async_service, q.get());
            new AudioCall(&async_service, q.get());
        }
        pool.emplace_back(Serve, q.get());
    }
    std::printf("ready %d\n", port);
    std::fflush(stdout);
    sigwait(&stop, &number);
    std::_Exit(0); // a peer needs no graceful end
}
