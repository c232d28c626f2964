//! Applications behind FastCGI, SCGI and uwsgi, and memcached: php-fpm, uWSGI and memcached beside nginx, and others that do not
//! keep to the protocols.

mod application;
mod beside;
mod cached;
mod connections;
mod failures;
mod memcached;
mod php;
mod settings;
mod site;
mod uwsgi;
mod values;
mod wsgi;
